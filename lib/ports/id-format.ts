/**
 * What the ids of a driver's messages look like. Only the driver knows: all other code takes an id
 * for a text without a meaning, and asks here.
 */
export interface IdFormat {
  /**
   * Whether this text can be the id of a message of this driver. It need not exist. `$` is no id. `0`
   * stands for the beginning of a stream wherever a position is asked for, and need not be an id.
   */
  accepts(id: string): boolean;
  /**
   * Negative where `a` comes before `b` in their stream, 0 where they are equal. Both are accepted
   * ids, of the same stream and, where there are partitions, of the same partition.
   */
  compare(a: string, b: string): number;
  /** What an id looks like, for error messages: `an id such as 1700000000000-0`. */
  readonly expected: string;
}
