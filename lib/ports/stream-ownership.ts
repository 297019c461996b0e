import type { Guard } from '../core/guard.js';
import type { HeldStream, StreamPlace } from '../core/held-stream.js';
import type { Fields } from '../core/message.js';
import type { Subscription } from './source.js';

/**
 * Optional port: assigns whole streams to consumers. A service has one stream of inputs. Each input
 * names a data stream. The consumer that reads an input owns its data stream, for as long as it
 * keeps a lock alive.
 */
export interface StreamOwnership {
  /** Makes the parts for one consumer of one service. Connects to nothing before `open`. */
  join(options: JoinOptions): OwnershipParts;
}

export interface JoinOptions {
  readonly service: string;
  /** Name of this consumer. No other consumer of the service has it. */
  readonly consumer: string;
  /** A lock that is not extended for this time has expired, in milliseconds. */
  readonly lease: number;
  /** Longest wait of one `pull`, in milliseconds. */
  readonly blockTimeout: number;
  /**
   * Whether the driver configures the server to tell of expired locks, only listens, or neither.
   */
  readonly hints: 'configure' | 'listen' | 'off';
  /**
   * Called when a lock may have expired. The engine never relies on it: hints may be lost, late, or
   * about another service.
   */
  readonly onHint: (place: StreamPlace) => void;
  /** Called when the connection is back after an outage: hints may have been missed. */
  readonly onReconnected: () => void;
}

export interface OwnershipParts {
  readonly inputs: StreamInputs;
  readonly locks: StreamLocks;
  readonly members: BalancerMembers;
  /** @throws where the driver cannot create or reach what it needs */
  open(): Promise<void>;
  /** Reads the owned streams. */
  subscribe(options: OwnedSubscribeOptions): OwnedSubscription;
  /** Ends a `pull` that waits, and closes connections of its own. Idempotent. */
  close(): Promise<void>;
}

export interface OwnedSubscribeOptions {
  /** Group in which the data streams are read. */
  readonly group: string;
  /** Where a group that does not exist yet begins. */
  readonly startId: string;
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

/** An input, not decoded. Undefined fields: it was deleted from the stream of inputs. */
export interface StreamInput {
  readonly id: string;
  readonly fields: Fields | undefined;
}

/** An input that was handed out and not completed. */
export interface PendingInput {
  readonly id: string;
  /** Consumer to which the input is pending. */
  readonly owner: string;
  /** Time since the input was handed out, in milliseconds; very long where it was given back. */
  readonly idle: number;
}

/** The stream of inputs. Not its job: to know what the fields mean. */
export interface StreamInputs {
  /** Appends an input, and returns its id. */
  add(fields: Fields): Promise<string>;

  /**
   * Returns new inputs, at most `limit`, as soon as there is one; `[]` when none came in time, or
   * after `close`. They are pending to this consumer then, until they are completed or discarded.
   * Each input goes to one consumer of the service. Inputs that were added before the first consumer
   * joined are not missed. Rejects at an outage: the caller decides how often to try again. One call
   * at a time.
   */
  pull(limit: number): Promise<readonly StreamInput[]>;

  /**
   * A page of at most `limit` inputs that are pending to any consumer, in the order of ids, behind
   * the id `after`.
   */
  pending(after: string | undefined, limit: number): Promise<readonly PendingInput[]>;

  /**
   * Makes these inputs pending to this consumer, as if handed out now, where they are still pending
   * to the consumers in `rows`. All others stay as they are.
   */
  adopt(rows: readonly PendingInput[]): Promise<void>;

  /** Inputs by their ids, in that order. */
  read(ids: readonly string[]): Promise<readonly StreamInput[]>;

  /**
   * Moves an input to the dead letters of the service, with a reason. It is not pending any more,
   * to no matter which consumer. Repeats rather than loses.
   * @returns whether this call moved it
   */
  discard(input: StreamInput, reason: string): Promise<boolean>;

  /** Why no data stream may have this name, as a sentence: the service keeps its own data there. */
  problemOf(stream: string): string | undefined;
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

/** A consumer of the service, as it announces itself. */
export interface BalancerMember {
  readonly consumer: string;
  /** Time since its last announcement, in milliseconds. */
  readonly age: number;
  /** What it announced. */
  readonly said: string;
  /** Inputs that were handed over to it and that it has not counted yet. */
  readonly handed: readonly HandedInput[];
}

/** An input that was handed over. */
export interface HandedInput {
  readonly id: string;
  /** The token under which the stream is owned. */
  readonly token: number;
}

/** The consumers of the service. */
export interface BalancerMembers {
  /**
   * Announces this consumer, and returns the announcements of all consumers, including this one.
   * @param noted inputs that were handed over to this consumer and that `saying` counts: they are
   * not `handed` any more
   */
  meet(saying: string, noted?: readonly string[]): Promise<readonly BalancerMember[]>;
  /** Withdraws the announcement of this consumer: `meet` of others does not return it any more. */
  leave(): Promise<void>;
}
