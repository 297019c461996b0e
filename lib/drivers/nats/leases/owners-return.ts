import { systemClock } from '../../../core/clock.js';
import { OWNERS_RETURN } from '../../connections/outages.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { NatsLease } from './nats.lease.js';

const NANOSECONDS = 1_000_000;

/** Gives owners time to return after an outage: the server hands out their entries before they are back. */
export class OwnersReturn {
  private wasConnected = false;
  private until = 0;

  constructor(private readonly connection: NatsConnection) {
    connection.onReconnect(() => {
      if (this.wasConnected) this.until = systemClock.now() + OWNERS_RETURN;
      this.wasConnected = true;
    });
  }

  get isUnderWay(): boolean {
    return this.left > 0;
  }

  /** The server delivers the entry again after that time, unless its owner keeps it fresh before. */
  putOff({ ackSubject }: NatsLease): void {
    const delay = Math.ceil(Math.max(0, this.left)) * NANOSECONDS;
    this.connection.live?.publish(ackSubject, `-NAK ${JSON.stringify({ delay })}`);
  }

  private get left(): number {
    return this.until - systemClock.now();
  }
}
