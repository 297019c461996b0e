import type { Redis } from 'ioredis';
import type { EventBus } from '../../../core/event-bus.js';
import type { Connector, Role } from './connector.js';

export interface ConnectionOptions {
  readonly connector: Connector;
  readonly role: Role;
  readonly events: EventBus;
  /**
   * Without any data for this time while a reply is awaited, the connection is dead, in
   * milliseconds.
   */
  readonly replyTimeout: number;
  /** Awaited before a new client is used. Where it rejects, the client is closed. */
  readonly onConnected?: (client: Redis) => Promise<void>;
  /**
   * For how long a command waits for a connection, in milliseconds. By default as long as for its
   * reply.
   */
  readonly patience?: number;
  /** The server was reached over another connection before: the first connection ends an outage. */
  readonly late?: boolean;
  /** Connect when the connection is first needed. @default at once */
  readonly lazy?: boolean;
}
