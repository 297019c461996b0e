/**
 * How long a stream keeps its entries. Nothing is deleted that some group has not settled, unless
 * `allowLoss` says so.
 *
 * - `'keep'`: for ever.
 * - `'deleteWhenSettled'`: until every group has settled it, and, where the server cannot tell more, all
 *   entries before it.
 * - `maxLength`: while the stream is no longer than that.
 * - `maxAge`: for this time, in milliseconds, by the time in its id.
 */
export type RetentionPolicy =
  | 'keep'
  | 'deleteWhenSettled'
  | { readonly maxLength: number; readonly allowLoss?: boolean | undefined }
  | { readonly maxAge: number; readonly allowLoss?: boolean | undefined };

/** What may go now. */
export interface TrimOrder {
  readonly policy: Exclude<RetentionPolicy, 'keep'>;
  /**
   * Groups that must be there: while one of them is missing nothing goes, as it will be back. One that
   * was deleted on purpose will not.
   */
  readonly groups: readonly string[];
}

/** What went. */
export interface Trimmed {
  /** Entries deleted. */
  readonly count: number;
  /** Those among them that some group had not settled. */
  readonly lost: number;
  /** The groups that had not. */
  readonly groups: readonly string[];
  /** There may be more to delete: this was one portion. */
  readonly more: boolean;
}

/** What a stream costs, and what stands before an id. `null`: not known. */
export interface StreamFootprint {
  /** Memory of the whole stream, bytes, estimated by the server. */
  readonly bytes: number | null;
  /** Entries before the id. */
  readonly before: number | null;
}

/**
 * Optional port: deletes what nobody needs any more.
 *
 * Safe to be deleted is what every group has settled: all before the oldest pending entry, or up to
 * the last delivered one where nothing is pending, of the group that is furthest behind. That is found
 * out in the same step as the deletion. What has been settled behind a pending entry may go too, where
 * the technology can tell. A stream without groups is left alone. Not its job: when, and
 * how often.
 */
export interface Retention {
  /** Deletes a portion, so small that the server is held up for a few ms at most. */
  trim(stream: string, order: TrimOrder): Promise<Trimmed>;
  /** Undefined for a stream that does not exist. */
  footprint(stream: string, before: string | undefined): Promise<StreamFootprint | undefined>;
}
