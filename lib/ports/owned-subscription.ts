import type { HeldStream } from '../core/held-stream.js';
import type { Subscription } from './subscription.js';

export interface OwnedSubscribeOptions {
  /** Group in which the data streams are read. */
  readonly group: string;
  /** Where a group that does not exist yet begins. */
  readonly startId: string;
  /** Longest wait of one `pull`, in milliseconds. */
  readonly blockTimeout: number;
  /** All runs of an entry, waits included, end within this time, in milliseconds. */
  readonly runsWithin: number;
  /**
   * Called when a stream is finished, see `Lease.finishing`.
   * @param completed true: the source has completed the stream in the same step as the
   * acknowledgement of its last entry. False: the engine is to complete it now
   */
  readonly onFinished: (held: HeldStream, completed: boolean) => void;
}

/**
 * Hands out the entries of owned streams.
 * - Each stream in its order: first the entries that the group has pending, and one entry after the
 *   other, the next one once the one before is settled.
 * - Everything is done under the guards of the stream. Leases have `owned`.
 * - No other consumer should read in this group, so entries need not be kept fresh.
 * - Another consumer may read all the same: a program that has not noticed yet that it lost the
 *   stream. Its entries are taken over before any entry behind them is handed out. Where an entry
 *   behind has begun before, they are handed out late, with the event `order-broken`.
 * - Where a settled lease has an `overrun`, the next entry waits until that has ended.
 * - Right after a stream was taken, no entry is read ahead: another program may be about to
 *   acknowledge its input.
 * - Messages that were redriven to the group are handed out, too, also those from before this
 *   consumer owned the stream, each once. They have no order with other entries.
 * - An entry that was left (`forget`) is not handed out again, and the next one follows.
 *
 * Where the stream is owned no more, because its lock has expired, its input is gone, or another
 * consumer has taken it, a settlement is `lost`, and nothing is handed out. Where `extend` takes an
 * expired lock anew, reading goes on: an entry that could not be settled is handed out again, not
 * `charged`. An entry that was read and has not begun keeps its count of runs. (In a technology
 * where no step can check lock and data stream together, the token alone is the fence.)
 *
 * Once an entry with `finishing` is settled, only entries that other consumers have begun are
 * handed out. `onFinished` is called when those consumers have none pending any more.
 */
export interface OwnedSubscription extends Subscription {
  /** Begins to read a stream, or goes on with it. */
  add(held: HeldStream): void;
  /**
   * Hands out no more entries of the stream, until it is added again. Resolves when running ones
   * are settled, or wait to run again. A run that `begin` is counting is a running one.
   * @param complete the stream is finished: where a message of it waits to run again, this rejects,
   * and reading goes on. @throws StreamUnsettledError
   */
  letGo(held: HeldStream, complete?: boolean): Promise<void>;
  /** The stream is not owned any more: none of its entries can be settled. */
  drop(held: HeldStream): void;
}
