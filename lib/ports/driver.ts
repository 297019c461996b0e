import type { Clock } from '../core/clock.js';
import type { Completions } from './completions.js';
import type { DeadLetterQueue } from './dead-letters.js';
import type { DelayStore } from './delays.js';
import type { EventBus } from '../core/events.js';
import type { GroupAdmin, PendingEntries } from './group-admin.js';
import type { Inbox } from './inbox.js';
import type { LeaseStore } from './lease-store.js';
import type { Replies } from './replies.js';
import type { Retention } from './retention.js';
import type { LiveConsumers } from './live-consumers.js';
import type { MessageSource } from './source.js';
import type { StateStore } from './state-store.js';
import type { StreamOwnership } from './stream-ownership.js';
import type { WorkflowStore } from './workflow-store.js';

/** What a driver offers. A feature whose port is missing fails at start-up, naming both. */
export interface Driver {
  readonly source: MessageSource;
  readonly state?: StateStore;
  readonly deadLetters?: DeadLetterQueue;
  /** Without it nobody can publish for later. */
  readonly delays?: DelayStore;
  /** Without it nobody can send requests, or answer them. */
  readonly replies?: Replies;
  /** Without it nothing can be handled in order. */
  readonly leases?: LeaseStore;
  /** Without it the marks of the handler option `dedupe` go to `state`, apart from acknowledgements. */
  readonly completions?: Completions;
  /** Without it there is no handler option `inbox`. */
  readonly inbox?: Inbox;
  readonly groups?: GroupAdmin;
  readonly pending?: PendingEntries;
  readonly retention?: Retention;
  /** Without it events that only another consumer of the group handles are not handed to it. */
  readonly live?: LiveConsumers;
  /** Without it no streams are balanced between consumers. */
  readonly ownership?: StreamOwnership;
  /** Without it workflows cannot be joined, looked at or cancelled. */
  readonly workflows?: WorkflowStore;
  /**
   * Begins to connect, so that what comes first need not wait. A driver that is only opened holds no
   * connection: it is connected by this, or when it is first asked for something.
   */
  connect?(): void;
  /** The client underneath, for `unwrap()`. */
  unwrap?(): unknown;
}

/** What a driver is given when it is opened. */
export interface DriverContext {
  readonly events: EventBus;
  /** Put before every key and subject that the driver names. */
  readonly keyPrefix: string;
}

/** Makes a driver. What a function such as `memory()` or `redis()` answers. */
export interface DriverFactory {
  readonly technology: string;
  /** The time that this driver lives in, where that is not the system's. */
  readonly clock?: Clock;
  open(context: DriverContext): Driver;
}
