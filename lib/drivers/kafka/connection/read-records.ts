/**
 * Headers of a record that was read. A header that repeats has a list. Names that look like array
 * indexes (`0`, `17`) come first, since they are keys of an object. The values of a header that repeats
 * are in one place.
 */
export type ReadHeaders = Readonly<Record<string, ReadHeaderValue | readonly ReadHeaderValue[]>>;
type ReadHeaderValue = Buffer | null;

/** A record that was read. */
export interface ReadRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReadHeaders;
}

/** Records of one partition in order. Records of transactions that were aborted are left out. */
export interface ReadBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly ReadRecord[];
  /** The offset behind the batch: behind what was left out at its end, too. */
  readonly next: number;
  /** The offset behind the last record of the partition when the batch was read. */
  readonly high: number;
}

/** The offset of a partition from which a group goes on. */
export interface CommittedOffset {
  readonly partition: number;
  readonly offset: number;
  /** At most 4,096 bytes, unless the broker is configured otherwise. */
  readonly metadata: string;
}
