import type { Clock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { ConsumerGroup } from '../broker/consumer-group.js';
import type { EntryLog } from '../broker/entry-log.js';

export interface FeedOptions {
  /** Name of the stream, without the key prefix. */
  readonly stream: string;
  readonly groupName: string;
  readonly consumer: string;
  readonly idleTimeout: number;
  readonly entries: EntryLog;
  readonly group: ConsumerGroup;
  readonly redriven: boolean;
  readonly clock: Clock;
  readonly events: EventBus;
  /** Whether the guards of the subscription hold. */
  readonly allowed: () => boolean;
  /** All pending entries come first, no matter which consumer owns them. */
  readonly takesOver: boolean;
  /** Whether a consumer of the group reads: entries that were handed to it are kept for it. */
  readonly isReading: (consumer: string) => boolean;
}
