import type { Guard } from '../core/guard.js';
import type { HeldStream, StreamPlace } from '../core/held-stream.js';

/** The locks of owned streams. */
export interface StreamLocks {
  /**
   * Returns the consumers that keep these locks alive. Undefined for a stream without a live lock.
   */
  holders(places: readonly StreamPlace[]): Promise<readonly (string | undefined)[]>;

  /**
   * Locks a stream, moves its input to this consumer, and raises its token, so that the server
   * refuses what an earlier owner still does: `extend`, `complete` and `release` return `lost` to
   * it. Where this breaks off in between, the lock expires by itself. A stream that several inputs
   * name has one owner at a time.
   * @param ours only where the input is pending to this consumer already
   */
  take(place: StreamPlace, ours: boolean): Promise<TakeOutcome>;

  /**
   * Keeps locks alive, and their inputs young, because other programs take old ones. An expired
   * lock is taken anew where no other consumer had it in between. Returns one outcome per stream,
   * in order.
   */
  extend(held: readonly HeldStream[]): Promise<readonly ('held' | 'lost')[]>;

  /**
   * Finishes the stream: acknowledges and deletes its input, and frees the lock. May be repeated.
   * `gone` where that was done before.
   * @param group in which the stream is read: refused while other consumers have entries pending in
   * it
   */
  complete(held: HeldStream, group?: string): Promise<CompleteOutcome>;

  /**
   * Gives the stream back unfinished: any consumer may take it at once, under a higher token, or
   * read its input anew. This consumer owns it no more. May be repeated.
   *
   * Either the input stays pending, with an `idle` of more than half a day; or, where its fields
   * count owners that died (as other programs of the service do), it is replaced by a new input
   * without the count.
   */
  release(held: HeldStream): Promise<LetGoOutcome>;

  /**
   * Makes another consumer the owner in one step, under a higher token, so that no third consumer
   * takes the stream in between. The receiver is told by its next `meet`; until then the lock only
   * stands in its name. Where the receiver never comes for it, the lock expires, and any consumer may
   * take the stream.
   */
  handOver(held: HeldStream, target: HandOverTarget): Promise<StreamHandOverOutcome>;

  /** Guards that hold while this consumer owns the stream. */
  guards(held: HeldStream): readonly Guard[];
}

/**
 * The result of taking a stream.
 * - `taken`: this consumer owns it, with this token.
 * - `held`: another consumer's lock is alive.
 * - `gone`: the input is not pending any more, or, where it had to be this consumer's, pending to
 *   another.
 * - `busy`: the stream is owned by way of another input.
 */
export type TakeOutcome =
  { readonly word: 'taken'; readonly token: number } | { readonly word: 'held' | 'gone' | 'busy' };

/** `gone`: the input is not pending any more, so there is nothing left to do. */
export type LetGoOutcome = 'settled' | 'lost' | 'gone';

/** `unsettled`: other consumers have entries of the stream pending, so it is not finished. */
export type CompleteOutcome = LetGoOutcome | 'unsettled';

/** A consumer to which a stream may be handed over, as this consumer last saw it. */
export interface HandOverTarget {
  readonly consumer: string;
  /** What the consumer had announced. */
  readonly said: string;
  /** How many inputs it was handed and had not counted yet. */
  readonly handed: number;
}

/**
 * `stale`: the other consumer has announced something else since, has left, or was handed more, so
 * that it might get too many. Nothing is done. Where a driver cannot check this in the step of
 * handing over, it may give the stream back instead.
 */
export type StreamHandOverOutcome = LetGoOutcome | 'stale';
