import type { Fields, OutgoingEntry, When } from '../core/message.js';

/** An entry that is published later. */
export type DelayedEntry = OutgoingEntry & { readonly when: When };

export const isDelayed = (entry: OutgoingEntry): entry is DelayedEntry => entry.when !== undefined;

/** Prefix of ids of delayed messages. No id in a stream begins like this. */
const PREFIX = 'delayed-';

/** The id of a delayed message, made from its name in the store. */
export const delayedId = (name: string): string => PREFIX + name;

/** The name in the store. Undefined: the id is not that of a delayed message. */
export const delayedName = (id: string): string | undefined =>
  id.startsWith(PREFIX) ? id.slice(PREFIX.length) : undefined;

/** The latest time of a Date, in milliseconds since the epoch. */
export const LATEST = 8.64e15;

/** A delayed message as its store knows it. */
export interface DelayedRecord {
  /** The id that `schedule` returned. */
  readonly id: string;
  /** In milliseconds since the epoch, on the server's clock. */
  readonly dueAt: number;
  readonly fields: Fields;
}

export interface DelayedPage {
  readonly items: readonly DelayedRecord[];
  /** Pass as `after` to get the next page. Undefined at the end. */
  readonly next?: string;
}

/** The result of one step of promoting, for one stream. */
export interface Promoted {
  /** Entries that are in their stream now. */
  readonly moved: number;
  /** Entries whose fields were gone. They are dropped, because they cannot be published. */
  readonly lost: number;
  /** Milliseconds until the next entry is due; 0: more are due now. Undefined: no entry waits. */
  readonly nextIn: number | undefined;
}

/**
 * Optional port: entries that are published later. The server's clock decides when; the clock of
 * this process does not count. Waiting entries are as durable as entries in a stream. Two key
 * prefixes share nothing.
 *
 * A settlement that publishes entries with `when` stores them in the step of the acknowledgement.
 * Carried out again, it returns `gone` and stores nothing. A run that has lost its entry stores
 * nothing.
 *
 * Not its job: timers. It moves due entries when a process calls `promote`. Any number of processes
 * may call it.
 */
export interface DelayStore {
  /**
   * Set where the server moves due entries by itself, `within` this time after they are due, in
   * milliseconds. Entries that are due within that time of each other may come in the order in which
   * they were stored. `promote` moves nothing then, and nothing calls it.
   */
  readonly movedByServer?: { readonly within: number };

  /**
   * Stores entries until they are due. Returns the id of each, which begins with `delayed-`, or its
   * error. Never resends on its own what may have been stored.
   * - An entry with a time in the past is due at once.
   * - Fields come back as they were, as for `MessageSource.publish`.
   * - What is no entry (no fields, or a name without a value) is refused. The others are stored.
   *
   * An idempotency key is shared with entries that are published at once. If an entry was stored or
   * published with this key within the window, by any process, nothing is stored and the id of that
   * entry is returned. The window begins when that entry is due.
   */
  schedule(entries: readonly DelayedEntry[]): Promise<(string | Error)[]>;

  /**
   * Moves due entries to the end of their streams. Moving an entry and removing it from the store
   * is one step: each entry is in its stream once, however many processes promote at once and
   * whenever one of them dies.
   * - No entry is moved before it is due.
   * - Order: by due time; entries with equal times as they were stored.
   * - A call moves a bounded number of entries, shared fairly between the streams, and fewer where
   *   they are large. It moves at least one where an entry is due.
   * - Returns one result per stream, in order, or its error. An error of one stream must not hold up
   *   the others. A stream without waiting entries, or that does not exist, is no error.
   */
  promote(streams: readonly string[]): Promise<(Promoted | Error)[]>;

  /**
   * Returns a page of at most `limit` entries, the entry that is due first at its head. `after` is
   * `next` of the page before, and works also where that message is gone by now. All pages together
   * have each waiting entry once, also where due times are equal.
   */
  list(stream: string, limit: number, after?: string): Promise<DelayedPage>;

  /**
   * Returns how many entries of the stream wait, 0 for a stream that does not exist. Leave it out where
   * only reading them all can tell.
   */
  count?(stream: string): Promise<number>;

  /**
   * Returns true where the message waited and will not be published. False for a message that was
   * published or cancelled before, and for an id that is unknown or not of a delayed message.
   */
  cancel(stream: string, id: string): Promise<boolean>;

  /**
   * Returns true where the message waited and has the new due time now; false as for `cancel`. It
   * keeps its id.
   */
  reschedule(stream: string, id: string, when: When): Promise<boolean>;

  /**
   * Calls back with each stream for which a process has stored or rescheduled an entry, by
   * `schedule`, `reschedule` or a settlement, until the returned function is called. Leave it out
   * where the technology cannot tell: schedulers then look once a second.
   */
  watch?(onScheduled: (stream: string) => void): () => void;

  /**
   * For stores without `watch`: tells of streams with entries that are due before the next look, as
   * soon as the store can, for the same methods. Looking finds what it does not tell of.
   * Calls back with a stream also when listening for it begins: entries may have come before.
   */
  hints?(onScheduled: (stream: string) => void): DelayHints;
}

/** A listener for streams with due entries. */
export interface DelayHints {
  /** Listens for these streams, too, from now on. */
  follow(streams: readonly string[]): void;
  close(): Promise<void>;
}
