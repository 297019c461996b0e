/**
 * How long a stream keeps its entries. An entry that some group has not settled is not deleted,
 * unless `allowLoss` says so.
 *
 * - `'keep'`: for ever.
 * - `'deleteWhenSettled'`: until every group has settled the entry and, where the server cannot
 *   tell more, all entries before it.
 * - `maxLength`: while the stream is no longer than that.
 * - `maxAge`: for this time, in milliseconds, by the time in its id.
 */
export type RetentionPolicy =
  | 'keep'
  | 'deleteWhenSettled'
  | { readonly maxLength: number; readonly allowLoss?: boolean | undefined }
  | { readonly maxAge: number; readonly allowLoss?: boolean | undefined };

/** What to delete of a stream. */
export interface TrimOrder {
  readonly policy: Exclude<RetentionPolicy, 'keep'>;
  /**
   * Groups that must exist. While one of them is missing nothing is deleted, because the group will
   * be recreated. A group that was deleted on purpose does not count.
   */
  readonly groups: readonly string[];
}

/** What was deleted. */
export interface Trimmed {
  /** Entries deleted. */
  readonly count: number;
  /** How many of them some group had not settled. */
  readonly lost: number;
  /** The groups that had not settled them. */
  readonly groups: readonly string[];
  /** There may be more to delete: this was one portion. */
  readonly more: boolean;
}

/** Size of a stream, and number of entries before an id. `null`: not known. */
export interface StreamFootprint {
  /** Memory of the whole stream in bytes, as the server estimates it. */
  readonly bytes: number | null;
  /** Entries before the id. */
  readonly before: number | null;
}

/**
 * Optional port: deletes entries that no group needs any more.
 *
 * An entry may be deleted when every group has settled it. The group that is furthest behind
 * decides: all entries before its oldest pending one are settled, or, where nothing is pending, all
 * up to its last delivered one. The check is part of the same step as the deletion. Settled entries
 * behind a pending one may be deleted, too, where the technology can tell. A stream that is missing
 * or has no groups is left alone, also with `allowLoss`.
 *
 * A group that is created while portions are deleted counts from then on: no later portion deletes
 * what that group has not settled.
 *
 * Not its job: when to trim, and how often.
 */
export interface Retention {
  /**
   * Deletes one portion, small enough to hold up the server for a few milliseconds at most. Call it
   * until `more` is false.
   * - `deleteWhenSettled` deletes up to the last entry, where all groups have settled it.
   * - `maxLength` deletes the oldest entries, `maxAge` those that are older: exactly, not roughly.
   * - Without `allowLoss` only settled entries are deleted, and `lost` is 0.
   * - With `allowLoss` the limit is hard: `lost` counts each deleted entry that some group had not
   *   settled once, whether the entry was pending or not read. `groups` names these groups.
   */
  trim(stream: string, order: TrimOrder): Promise<Trimmed>;
  /**
   * Size of the stream, and the number of its entries before the id: 0 without an id. Returns
   * undefined for a stream that does not exist.
   */
  footprint(stream: string, before: string | undefined): Promise<StreamFootprint | undefined>;
}
