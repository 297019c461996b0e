import type { PartitionLag } from '../core/lag.js';

/**
 * State of a stream and its groups, read in one step. `null`: the server does not know the value.
 */
export interface StreamReport {
  readonly stream: string;
  /** Number of entries in the stream. */
  readonly length: number;
  /** Number of entries ever appended. */
  readonly entriesAdded: number | null;
  /** Where nothing was ever published, an id before all others, such as `0-0`. */
  readonly lastId: string;
  /** Undefined: the stream is empty. */
  readonly firstId: string | undefined;
  readonly groups: readonly GroupReport[];
  /** The group that is furthest behind. Undefined: the stream has no groups. */
  readonly furthestBehind: FurthestBehind | undefined;
}

/** The group for which a stream keeps its oldest entries. */
export interface FurthestBehind {
  readonly name: string;
  /**
   * `pending`: the group has the entry pending. `held`: so it has, on hold. `undelivered`: the group
   * has read no further.
   */
  readonly by: 'pending' | 'held' | 'undelivered';
  /** The group needs no entry before this id. */
  readonly needs: string;
}

/** State of a group, from the same step as its {@link StreamReport}. */
export interface GroupReport {
  readonly name: string;
  readonly consumers: number | null;
  /** Number of entries that were delivered and not settled. */
  readonly pending: number;
  /** Where nothing was delivered, an id before all others, such as `0-0`. */
  readonly lastDeliveredId: string;
  readonly entriesRead: number | null;
  /** Number of entries not delivered yet. */
  readonly lag: number | null;
  /** Undefined: no entry is pending. */
  readonly oldestPendingId: string | undefined;
  /** That entry is on hold: no consumer runs it before it is released. @default false */
  readonly oldestIsHeld?: boolean;
  /**
   * Time since the oldest pending entry was published, by the server's clock, in milliseconds. 0:
   * no entry is pending.
   */
  readonly oldestPendingAge: number;
  /** The first entry behind `lastDeliveredId`. Undefined: no entry waits to be delivered. */
  readonly oldestUndeliveredId: string | undefined;
  /** Time since that entry was published, as for `oldestPendingAge`. */
  readonly oldestUndeliveredAge: number;
  /**
   * Where the stream has partitions: each of them, in order. Ids of the report are those of one
   * partition: `lastDeliveredId` of the last partition that has delivered anything, the others of the
   * partition whose entry is the oldest. The numbers are those of all partitions together.
   */
  readonly partitions?: readonly PartitionLag[];
}

export interface ConsumerReport {
  /** Name of the consumer. */
  readonly name: string;
  /** Number of entries that were delivered to it and not settled. */
  readonly pending: number;
  /** Time since the consumer last sent a command, in milliseconds. */
  readonly idleMs: number;
  /**
   * Time since the consumer last received an entry, in milliseconds. `null` where it never did, and
   * on servers before 7.2.
   */
  readonly inactiveMs: number | null;
}

/** An entry that was delivered and not settled. */
export interface PendingEntry {
  /** Id of the entry. */
  readonly id: string;
  /**
   * Empty where the entry was given back and any consumer may take it. Not every driver can tell.
   */
  readonly consumer: string;
  /**
   * Time since the entry was last delivered or kept fresh, in milliseconds. A day for an entry that
   * was given back.
   */
  readonly idleMs: number;
  /** Runs counted. A run that was given back before it began is not. */
  readonly delivered: number;
}

export interface PendingQuery {
  readonly consumer?: string;
  readonly minIdleMs?: number;
  /** The first id of the list; `(` before it excludes it. @default the oldest */
  readonly start?: string;
  /** Most entries of the answer. */
  readonly count: number;
}

/**
 * Optional port: groups and their positions. A missing stream or group is a StreamNotFoundError or
 * GroupNotFoundError. Callers have checked names and ids. After `close` of the source every method
 * rejects with the code `CLOSED`.
 */
export interface GroupAdmin {
  /**
   * Returns true where this call created the group; of several calls at the same moment, one does.
   * A group that exists stays as it is. A stream that is missing is created empty.
   *
   * The group begins behind `startId` (`0`: with the first entry, `$`: with the next one, or an id),
   * even where a position of an earlier group of this name is remembered. It has no consumers and
   * nothing pending. Consumers that missed the group read on.
   * @throws StreamNotFoundError where the stream is missing and `createStream` is false
   */
  create(
    stream: string,
    group: string,
    options: { readonly startId: string; readonly createStream: boolean },
  ): Promise<boolean>;
  /**
   * Deletes the group, its pending and redriven entries, and what was remembered for recreating it.
   * Returns false where there was no such group; of several calls at the same moment, one returns
   * true. Other groups of the stream stay as they are.
   *
   * No consumer creates the group again, neither a running nor a starting one. Each leaves the stream
   * out, emits `stream-unreadable` once with a GroupNotFoundError, and reads on after `create`. Of
   * what the consumers still hold, a plain acknowledgement returns `settled`, all else `gone`.
   */
  delete(stream: string, group: string): Promise<boolean>;
  /**
   * Returns one report per stream, in order; undefined for a stream that does not exist. Any number
   * of streams. A number that the server does not know is `null`, never an estimate.
   */
  describe(streams: readonly string[]): Promise<(StreamReport | undefined)[]>;
  /**
   * Sets where the group reads on, now and if it has to be recreated: `0`, `$`, or the id behind
   * which it reads. Pending entries stay pending. An entry that is read again is counted anew. A
   * running consumer does not start again what it still holds.
   *
   * A server that keeps no list of pending entries forgets them here. Such a driver moves no group
   * beyond an entry that is pending.
   * @throws GroupNotFoundError, StreamNotFoundError
   * @throws GroupHasPendingError where pending entries would be lost
   */
  setPosition(stream: string, group: string, id: string): Promise<void>;
  /**
   * As `setPosition`: the group reads on with the first entry that was published at `time` or later, by
   * the server's clock, in milliseconds since the epoch. Leave it out where the server cannot tell which
   * entry that is.
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  setPositionAt?(stream: string, group: string, time: number): Promise<void>;
  /**
   * Returns the consumers that the group knows, with the number of entries pending to each. Leave it
   * out, together with `removeConsumer`, where the server knows a group and none of its consumers.
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  consumers?(stream: string, group: string): Promise<ConsumerReport[]>;
  /**
   * Removes a consumer that has nothing pending. The check and the removal are one step. Returns the
   * number of entries pending to the consumer; 0: the consumer is removed, or the group has no such
   * consumer.
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  removeConsumer?(stream: string, group: string, consumer: string): Promise<number>;
}

/**
 * Optional port: the pending entries of a group. After `close` of the source every method rejects
 * with the code `CLOSED`. Lists of any length are allowed, empty ones too.
 */
export interface PendingEntries {
  /**
   * Oldest first. An entry is listed where it fits all that the query names, also where its data is
   * gone.
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  list(stream: string, group: string, query: PendingQuery): Promise<PendingEntry[]>;
  /**
   * Hands entries to another consumer of the group, without counting a run, where they have been
   * idle for `minIdleMs` at least. Returns the ids that were handed over, in any order. Entries
   * whose data is gone are dropped. Ids that are not pending, or on hold, are skipped.
   *
   * The leases of the former consumer are `lost`. Where the other consumer is running, its `pull`
   * hands the entries out, not `charged`.
   * @throws GroupNotFoundError, StreamNotFoundError
   */
  claim(
    stream: string,
    group: string,
    to: { readonly consumer: string; readonly minIdleMs: number; readonly ids: readonly string[] },
  ): Promise<string[]>;
  /**
   * Acknowledges entries, no matter which consumer has them. Returns how many were pending: 0 where
   * the stream or group is missing. Entries that no consumer has read are not touched.
   */
  acknowledge(stream: string, group: string, ids: readonly string[]): Promise<number>;
}
