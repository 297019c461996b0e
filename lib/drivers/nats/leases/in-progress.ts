import type { NatsConnection } from '../connection/nats-connection.js';
import { isNoResponders } from '../errors/typed-error.js';
import type { NatsLease } from './nats.lease.js';

const IN_PROGRESS = new TextEncoder().encode('+WPI');
const ACTION = 'keeping entries fresh';

/** Tells the server that work on entries goes on. */
export class InProgress {
  constructor(private readonly connection: NatsConnection) {}

  /**
   * Resolves when the server has heard it of all of them: it confirms the last one, and handles them in
   * their order. All are of one durable. Returns false where that one was deleted.
   */
  async tell(leases: readonly NatsLease[]): Promise<boolean> {
    const client = await this.connection.client(ACTION);
    for (const { ackSubject } of leases.slice(0, -1)) client.publish(ackSubject, IN_PROGRESS);
    try {
      await this.connection.request(ACTION, leases.at(-1)!.ackSubject, IN_PROGRESS);
      return true;
    } catch (error) {
      if (!isNoResponders(error)) throw error;
      return false;
    }
  }
}
