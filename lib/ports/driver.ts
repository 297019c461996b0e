import type { Clock } from '../core/clock.js';
import type { Completions } from './completions.js';
import type { DeadLetterQueue } from './dead-letters.js';
import type { DelayStore } from './delays.js';
import type { EventBus } from '../core/event-bus.js';
import type { GroupAdmin, PendingEntries } from './group-admin.js';
import type { IdFormat } from './id-format.js';
import type { HeldEntries } from './held-entries.js';
import type { Inbox } from './inbox.js';
import type { LeaseStore } from './lease-store.js';
import type { Replies } from './replies.js';
import type { Retention } from './retention.js';
import type { LiveConsumers } from './live-consumers.js';
import type { MessageSource } from './source.js';
import type { StateStore } from './state-store.js';
import type { StreamOwnership } from './stream-ownership.js';
import type { WorkflowStore } from './workflow-store.js';

/**
 * What a driver offers. A feature whose port is missing fails at start-up with an error that names
 * both.
 */
export interface Driver {
  readonly source: MessageSource;
  /** As in its {@link DriverFactory}. */
  readonly ids: IdFormat;
  readonly state?: StateStore;
  readonly deadLetters?: DeadLetterQueue;
  /** Without it there are no delayed messages. */
  readonly delays?: DelayStore;
  /** Without it no client can send requests, and no handler can answer them. */
  readonly replies?: Replies;
  /** Without it there is no handler option `orderBy`. */
  readonly leases?: LeaseStore;
  /**
   * Without it the marks of the handler option `dedupe` go to `state`, apart from acknowledgements.
   */
  readonly completions?: Completions;
  /** Without it there is no handler option `inbox`. */
  readonly inbox?: Inbox;
  readonly groups?: GroupAdmin;
  readonly pending?: PendingEntries;
  readonly retention?: Retention;
  /** Without it there is no strategy `'hold'` for dead letters. */
  readonly held?: HeldEntries;
  /**
   * Without it a message that only another consumer of the group handles is not handed to that
   * consumer.
   */
  readonly live?: LiveConsumers;
  /** Without it there is no load balancer. */
  readonly ownership?: StreamOwnership;
  /**
   * Without it workflows are kept in `state`. Without both, they cannot be joined, inspected or
   * cancelled.
   */
  readonly workflows?: WorkflowStore;
  /**
   * Begins to connect, so that the first command need not wait. A driver that is only opened holds
   * no connection: it connects here, or at the first command.
   */
  connect?(): void;
  /** How many connections are open. The start of an application logs it. */
  connections?(): number;
  /** The client library's object, for `unwrap()`. */
  unwrap?(): unknown;
}

/** What a driver gets when it is opened. */
export interface DriverContext {
  readonly events: EventBus;
  /** Prefix of every key and subject that the driver names. */
  readonly keyPrefix: string;
}

/** Makes a driver. Functions such as `memory()` and `redis()` return one. */
export interface DriverFactory {
  readonly technology: string;
  /** The ids of messages. Options that are ids are checked with it before the driver is opened. */
  readonly ids: IdFormat;
  /** The clock of this driver. @default the system's */
  readonly clock?: Clock;
  open(context: DriverContext): Driver;
}
