/** What is known of a stream, read in one step. `null`: the server does not know it. */
export interface StreamReport {
  readonly stream: string;
  /** Entries that it holds. */
  readonly length: number;
  /** Ever appended. */
  readonly entriesAdded: number | null;
  /** `0-0` where nothing was ever published. */
  readonly lastId: string;
  /** Undefined: it is empty. */
  readonly firstId: string | undefined;
  readonly groups: readonly GroupReport[];
  /** The group that needs the oldest entry. Undefined: the stream has no groups. */
  readonly furthestBehind: FurthestBehind | undefined;
}

/** The group that a stream keeps its oldest entries for. */
export interface FurthestBehind {
  readonly name: string;
  /** `pending`: it holds the entry and has not settled it. `undelivered`: it has read no further. */
  readonly by: 'pending' | 'undelivered';
  /** All entries before this id may go, as far as this group is concerned. */
  readonly needs: string;
}

/** What is known of a group, from the same step as its {@link StreamReport}. */
export interface GroupReport {
  readonly name: string;
  readonly consumers: number;
  /** Delivered and not settled. */
  readonly pending: number;
  readonly lastDeliveredId: string;
  readonly entriesRead: number | null;
  /** Entries not yet delivered. */
  readonly lag: number | null;
  /** Undefined: nothing is pending. */
  readonly oldestPendingId: string | undefined;
  /** Since the oldest pending entry was published, by the server's clock, in milliseconds. 0: nothing is pending. */
  readonly oldestPendingAge: number;
  /** Undefined: nothing waits to be delivered. The first one behind `lastDeliveredId`. */
  readonly oldestUndeliveredId: string | undefined;
  /** Since that entry was published, as `oldestPendingAge`. */
  readonly oldestUndeliveredAge: number;
}

export interface ConsumerReport {
  readonly name: string;
  readonly pending: number;
  /** Since it last asked for something, ms. */
  readonly idleMs: number;
  /** Since it last got something, ms. `null` where it never did, and on servers before 7.2. */
  readonly inactiveMs: number | null;
}

/** An entry that was delivered and not settled. */
export interface PendingEntry {
  readonly id: string;
  /** Empty where it was given back and is anybody's; not every driver tells. */
  readonly consumer: string;
  /** Since it was last delivered or kept fresh, ms; a day for what was given back. */
  readonly idleMs: number;
  /** Runs counted. */
  readonly delivered: number;
}

export interface PendingQuery {
  readonly consumer?: string;
  readonly minIdleMs?: number;
  /** The first id looked at; `(` before it excludes it. @default the oldest */
  readonly start?: string;
  /** Most entries answered. */
  readonly count: number;
}

/**
 * Optional port: groups and their positions. Its stream or group missing is an error of its type.
 * Names and ids were checked before.
 */
export interface GroupAdmin {
  /**
   * True: created by this call; of several at the same moment, one. It begins behind `startId`,
   * whatever is remembered of an earlier one, and consumers that missed it read on.
   * @throws StreamNotFoundError where it is missing and `createStream` is false
   */
  create(
    stream: string,
    group: string,
    options: { readonly startId: string; readonly createStream: boolean },
  ): Promise<boolean>;
  /**
   * With what is pending, what was redriven to it, and what was remembered for recreating it. False:
   * there was none. No consumer creates it again, be it running or yet to start: it leaves the stream
   * out, raises `stream-unreadable` with a GroupNotFoundError, and reads on after `create`.
   */
  delete(stream: string, group: string): Promise<boolean>;
  /** One report per stream, in order; undefined where there is none. */
  describe(streams: readonly string[]): Promise<(StreamReport | undefined)[]>;
  /**
   * `0`, `$` or the id behind which the group reads on, now and if it has to be recreated. What is
   * pending stays so; read again, it is counted anew.
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  setPosition(stream: string, group: string, id: string): Promise<void>;
  /** @throws GroupNotFoundError, StreamNotFoundError */
  consumers(stream: string, group: string): Promise<ConsumerReport[]>;
  /** In one step: only where nothing is pending to it. @returns what is pending; 0: it is gone */
  removeConsumer(stream: string, group: string, consumer: string): Promise<number>;
}

/** Optional port: what a group has in hand. */
export interface PendingEntries {
  /** Oldest first. @throws GroupNotFoundError, StreamNotFoundError */
  list(stream: string, group: string, query: PendingQuery): Promise<PendingEntry[]>;
  /**
   * Hands entries to another consumer of the group, without counting a run, where they have been idle
   * for `minIdleMs` at least. Answers the ids that were handed over; those whose data is gone are dropped.
   */
  claim(
    stream: string,
    group: string,
    to: { readonly consumer: string; readonly minIdleMs: number; readonly ids: readonly string[] },
  ): Promise<string[]>;
  /** Whoever owns them. Answers how many were pending: none where stream or group is missing. */
  acknowledge(stream: string, group: string, ids: readonly string[]): Promise<number>;
}
