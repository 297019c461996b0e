import type { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { NatsLease } from '../leases/nats.lease.js';

/**
 * Which acknowledgements the server refuses while a batch is sent: it says so of each, before it answers
 * what was sent behind them. Call `end` when the batch is through.
 */
export class RefusedAcks {
  readonly end: () => void;
  private readonly errors = new Map<string, PermissionDeniedError>();

  constructor({ onRefused }: NatsConnection) {
    this.end = onRefused.add((error) => {
      if (error.command === 'publish' && error.key !== undefined) this.errors.set(error.key, error);
    });
  }

  of({ ackSubject }: NatsLease): PermissionDeniedError | undefined {
    return this.errors.get(ackSubject);
  }
}
