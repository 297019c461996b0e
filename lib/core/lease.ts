import type { Fields } from './message.js';
import type { HeldStream } from './held-stream.js';

/**
 * A source's hold on one entry for one consumer. Made by the source in `pull`, passed back to it in
 * `begin`, `extend` and `settle`. A driver may keep more in an object of its own that implements it.
 *
 * (`attempt`, owner) is the fence: a source refuses to settle, extend or begin a lease whose entry
 * was meanwhile handed to somebody else, or to another run.
 */
export interface Lease {
  readonly stream: string;
  readonly id: string;
  /** Publish time in ms since the epoch, as the source knows it. */
  readonly publishedAt: number;
  /** Runs charged so far. With `charged` it includes the run about to start. Set by the source. */
  attempt: number;
  /** False: the source has not counted the coming run yet, `begin` must be called before it. */
  charged: boolean;
  /** The encoded message. Undefined while a retry is parked, until `begin` has fetched it again. */
  fields: Fields | undefined;
  /**
   * What is settled and kept fresh together: a lane whose part of the source is away holds up no
   * other. Undefined: there is one for all.
   */
  readonly lane?: unknown;
  /** The stream is owned as a whole, by a load balancer. */
  readonly owned?: HeldStream;
  /** Set by the engine: once this entry is settled, the whole stream is completed. */
  finishing?: boolean;
  /** Set by the engine while a method goes on after its timeout, or after its stream. Never rejects. */
  overrun?: Promise<unknown> | undefined;
  /** Set by the source: `extend` has found its data deleted. Its run may be settled all the same. */
  readonly trimmed?: boolean;
  /** Where a message was redriven from its dead letter, its first stream and id stay its own. */
  readonly redriven?: boolean;
  /** Of a redriven message: rises with each time that it is redriven. */
  readonly redrive?: number | undefined;
}

/**
 * What `begin` answers: the run may start, another consumer has the entry, or its data is gone.
 * `later`: the source holds too much data to fetch that of this entry now. Nothing was counted.
 */
export type BeginOutcome = 'started' | 'lost' | 'gone' | 'later';

/** Whose an entry is: this run's, somebody else's, or nobody has it pending any more. */
export type Hold = 'held' | 'lost' | 'gone';

/** What `extend` answers for one lease. `trimmed`: the data is gone, and nobody else can run it. */
export type ExtendOutcome = 'held' | 'lost' | 'gone' | 'trimmed';
