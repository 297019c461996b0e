import type { EventBus } from '../../../core/event-bus.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import type { Streams } from '../streams/streams.js';

export type Outcome = SettleOutcome | Error;

export interface SettlingParts {
  readonly database: Database;
  readonly streams: Streams;
  readonly hints: Hints;
  readonly events: EventBus;
  readonly keyPrefix: string;
  /** Called after messages were stored that are published later. */
  readonly onScheduled: (entries: readonly OutgoingEntry[]) => void;
}
