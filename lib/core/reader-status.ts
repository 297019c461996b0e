import type { ReadTrouble } from './read-trouble.js';

/** What a reading loop does. */
export type ReaderActivity =
  /** It asks the source for messages. */
  | 'reading'
  /** It reads nothing new: all slots are taken, or as many messages wait as may wait. */
  | 'waiting'
  /** The source refuses each read. */
  | 'failing'
  /** All of its streams are paused. */
  | 'paused';

/** The state of a reading loop, for health checks. */
export interface ReaderStatus {
  readonly group: string;
  readonly consumer: string;
  readonly streams: readonly string[];
  readonly activity: ReaderActivity;
  /** Start of this read, of this wait, or of the first read that failed: `now()` of the clock. */
  readonly since: number;
  /** It has asked the source for messages at least once. */
  readonly hasRead: boolean;
  /** Longest time that a read should take, in milliseconds. */
  readonly blockTimeout: number;
  /** For `failing`: the last error. */
  readonly error: Error | undefined;
  /** How many of its messages run, those left out whose methods go on after their timeout. */
  readonly runs: number;
  /** What keeps its source from reading. */
  readonly trouble: ReadTrouble;
}
