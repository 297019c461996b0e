import { chunksOf } from '../../../core/collections/chunks.js';

/** What one look by `reclaim.script.ts` has found and done in one stream. */
export interface Reclaimed {
  readonly word: 'ok' | 'missing' | 'unreadable';
  readonly floor: string;
  /** Number of entries that are pending to this consumer. */
  readonly own: number;
  readonly redriven: boolean;
  /** Pending entries dropped because their data had been deleted. */
  readonly trimmed: number;
  readonly taken: readonly { readonly id: string; readonly count: number }[];
  readonly removed: readonly string[];
  /**
   * The consumers from which entries were taken over, and how many. Released entries belong to no
   * consumer.
   */
  readonly from: readonly { readonly consumer: string; readonly count: number }[];
  /**
   * Consumers that have neither read nor kept anything fresh for `crashedAfter`, and what they
   * hold.
   */
  readonly silent: readonly {
    readonly consumer: string;
    readonly idle: number;
    readonly pending: number;
  }[];
  /**
   * Number of entries of the stream itself that were handed to this consumer and wait to be
   * fetched.
   */
  readonly waiting: number;
  /** The same number for redriven messages. */
  readonly redrivenWaiting: number;
}

type Flat = (string | number)[];

/** The answer of the script for one stream. */
export type ReclaimedRow = [
  Reclaimed['word'],
  string,
  number,
  number,
  number,
  Flat,
  string[],
  Flat,
  Flat,
  number,
  number,
];

/** Reads the answer of the script for one stream. */
export function reclaimedOf([
  word,
  floor,
  own,
  redriven,
  trimmed,
  taken,
  removed,
  from,
  silent,
  waiting,
  redrivenWaiting,
]: ReclaimedRow): Reclaimed {
  return {
    word,
    floor,
    own,
    redriven: redriven === 1,
    trimmed,
    waiting,
    redrivenWaiting,
    taken: chunksOf(taken, 2).map(([id, count]) => ({ id: String(id), count: Number(count) })),
    removed,
    from: chunksOf(from, 2).map(([name, count]) => ({
      consumer: String(name),
      count: Number(count),
    })),
    silent: chunksOf(silent, 3).map(([name, idle, pending]) => ({
      consumer: String(name),
      idle: Number(idle),
      pending: Number(pending),
    })),
  };
}
