import type { EventBus } from '../../../core/event-bus.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import type { Listener } from '../connection/listener.js';
import type { Streams } from '../streams/streams.js';

export interface PostgresRepliesOptions {
  readonly database: Database;
  readonly listener: Listener;
  readonly hints: Hints;
  readonly streams: Streams;
  readonly events: EventBus;
}
