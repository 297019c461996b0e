import type { Fields, OutgoingEntry, When } from '../core/message.js';

/** An entry that is published later. */
export type DelayedEntry = OutgoingEntry & { readonly when: When };

export const isDelayed = (entry: OutgoingEntry): entry is DelayedEntry => entry.when !== undefined;

/** What the id of a delayed message begins with; no id in a stream does. */
const PREFIX = 'delayed-';

/** The id of a delayed message, made of what its store calls it. */
export const delayedId = (name: string): string => PREFIX + name;

/** What the store calls it. Undefined: the id of something else. */
export const delayedName = (id: string): string | undefined =>
  id.startsWith(PREFIX) ? id.slice(PREFIX.length) : undefined;

/** The latest time that there is, ms since the epoch: that of a Date. */
export const LATEST = 8.64e15;

/** A message that waits, as its store knows it. */
export interface DelayedRecord {
  /** As `schedule` answered it. */
  readonly id: string;
  /** ms since the epoch, on the server's clock. */
  readonly dueAt: number;
  readonly fields: Fields;
}

export interface DelayedPage {
  readonly items: readonly DelayedRecord[];
  /** Pass as `after` to get the next page. Undefined at the end. */
  readonly next?: string;
}

/** What one step of promoting came to, for one stream. */
export interface Promoted {
  /** Entries that are in their stream now. */
  readonly moved: number;
  /** Entries whose fields were gone: they are dropped, nobody can publish them. */
  readonly lost: number;
  /** Until the next one is due, ms; 0: more are due now. Undefined: none waits. */
  readonly nextIn: number | undefined;
}

/**
 * Optional port: entries that are published later. The server's clock decides when; that of this
 * process is asked nothing. What waits is as durable as what is in a stream.
 *
 * Not its job: timers. It moves what is due when somebody calls `promote`, and any number may.
 */
export interface DelayStore {
  /**
   * Stores entries until they are due. Answers the id of each, which begins with `delayed-`, or its
   * error. Never sends again on its own what may have been stored.
   *
   * With an idempotency key, which is the same as that of an entry published at once: where one was
   * stored or published with it within the window, which begins when that one is due, nothing is
   * stored and its id is the answer.
   */
  schedule(entries: readonly DelayedEntry[]): Promise<(string | Error)[]>;

  /**
   * Moves what is due to the end of its stream, in one step with forgetting it here: however many do
   * so at once, and whenever one of them dies, each is in its stream once. In the order of the due
   * times, and of equal ones as they were stored. A bounded amount per call, shared fairly by the
   * streams. Answers one result per stream, or its error, which must not hold up the others.
   */
  promote(streams: readonly string[]): Promise<(Promoted | Error)[]>;

  /** Soonest first. `after` is `next` of the page before, also where that message is gone by now. */
  list(stream: string, limit: number, after?: string): Promise<DelayedPage>;

  /** True: it waited, and will not be published. */
  cancel(stream: string, id: string): Promise<boolean>;

  /** True: it waited, and is due at another time now. It keeps its id. */
  reschedule(stream: string, id: string, when: When): Promise<boolean>;

  /**
   * Tells of the streams for which something was stored or rescheduled, whoever did it, until the
   * returned function is called. Leave it out where that is not to be had: schedulers then look for
   * themselves, once a second.
   */
  watch?(onScheduled: (stream: string) => void): () => void;

  /**
   * Where there is no `watch`: tells, as soon and as well as it can, of what is due before the next
   * look, whoever has stored it. What it does not tell of is found by looking.
   */
  hints?(onScheduled: (stream: string) => void): DelayHints;
}

/** Somebody who listens. */
export interface DelayHints {
  /** Listens for these, too, from now on. */
  follow(streams: readonly string[]): void;
  close(): Promise<void>;
}
