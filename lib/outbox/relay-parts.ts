import type { Clock } from '../core/clock.js';
import type { EventBus } from '../core/event-bus.js';
import type { IdempotencyWindow, OutgoingEntry } from '../core/message.js';
import type { OutboxPartitions } from '../ports/outbox-store.js';

/** What relays work with. */
export interface RelayParts {
  readonly store: OutboxPartitions;
  /** Publishes to the message source. Returns an id or an error for each entry. */
  readonly publish: (entries: readonly OutgoingEntry[]) => Promise<(string | Error)[]>;
  readonly clock: Clock;
  readonly events: EventBus;
  /** Most messages that are published at once. */
  readonly batchSize: number;
  /** Longest time between two looks, in milliseconds. */
  readonly relayInterval: number;
  /** How long partitions are kept without a sign of life, in milliseconds. */
  readonly leaseDuration: number;
  /** How often a message may be refused. */
  readonly maxRefusals: number;
  readonly idempotencyWindow: IdempotencyWindow;
}
