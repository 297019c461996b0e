import type { Fields } from './message.js';
import type { HeldStream } from './held-stream.js';

/**
 * A consumer's lease of one entry. The source makes it in `pull`, and gets it back in `begin`,
 * `extend` and `settle`. A driver may return an object of its own that implements it and keeps
 * more.
 *
 * (`attempt`, owner) is the fence: a source refuses to settle, extend or begin a lease whose entry
 * was meanwhile handed to another consumer, or to another run.
 */
export interface Lease {
  readonly stream: string;
  readonly id: string;
  /** Time of publication as the source knows it, in milliseconds since the epoch. */
  readonly publishedAt: number;
  /**
   * Runs charged so far. With `charged` it includes the run that is about to start. Set by the
   * source.
   */
  attempt: number;
  /** False: the source has not counted the coming run. `begin` must be called before that run. */
  charged: boolean;
  /** The encoded message. Undefined while a retry is parked, until `begin` has fetched it again. */
  fields: Fields | undefined;
  /**
   * Leases with the same lane are settled and kept fresh together. A lane whose part of the source
   * cannot be reached holds up no other lane. Undefined: there is one lane for all.
   */
  readonly lane?: unknown;
  /** The partition, in sources that have partitions: the order of ids holds inside it. */
  readonly partition?: string;
  /** The key with which the message was published, in sources that have keys. Undefined: none. */
  readonly key?: string | undefined;
  /**
   * The source had moved the message aside, and hands it out again: a settlement with the outcome `moved`. It
   * is in no order, and `id` is not its place in what is read. `runs`: how many of its runs had ended
   * when it was moved.
   */
  readonly moved?: { readonly runs: number } | undefined;
  /** Set where a load balancer owns the whole stream. */
  readonly owned?: HeldStream;
  /** Set by the engine: the whole stream is completed once this entry is settled. */
  finishing?: boolean;
  /**
   * Set by the engine while a method goes on after its timeout, or after its stream has ended.
   * Never rejects.
   */
  overrun?: Promise<unknown> | undefined;
  /**
   * Set by the source: `extend` has found the data deleted. The run may be settled all the same.
   */
  readonly trimmed?: boolean;
  /**
   * The message was redriven from a dead letter. Its `stream` and `id` are those of its first
   * publication.
   */
  readonly redriven?: boolean;
  /** For a redriven message: rises with each redrive. */
  readonly redrive?: number | undefined;
}

/**
 * What `begin` returns.
 * - `started`: the run may start.
 * - `lost`: another consumer has the entry.
 * - `gone`: the entry is not pending any more, or its data is gone.
 * - `later`: the source holds too much data to fetch that of this entry now. Nothing was counted.
 */
export type BeginOutcome = 'started' | 'lost' | 'gone' | 'later';

/**
 * Who has an entry: this run (`held`), another run (`lost`), or no consumer has it pending any more
 * (`gone`).
 */
export type LeaseState = 'held' | 'lost' | 'gone';

/**
 * What `extend` returns for one lease: as {@link LeaseState}; `trimmed`: the data is gone, and no other
 * consumer can run the entry.
 */
export type ExtendOutcome = 'held' | 'lost' | 'gone' | 'trimmed';
