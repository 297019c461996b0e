import type { Guard } from '../core/guard.js';
import type { HeldStream, StreamPlace } from '../core/held-stream.js';
import type { Fields } from '../core/message.js';
import type { Subscription } from './source.js';

/**
 * Optional port: whole streams assigned to consumers. A service has one stream of inputs, each of
 * which names a data stream; whoever reads an input owns its data stream, for as long as he keeps a
 * lock alive.
 */
export interface StreamOwnership {
  /** One consumer's part in one service. Connects to nothing before `open`. */
  join(options: JoinOptions): OwnershipParts;
}

export interface JoinOptions {
  readonly service: string;
  /** Name of this consumer, which no other one of the service has. */
  readonly consumer: string;
  /** A lock that is not extended for so long has expired, ms. */
  readonly lease: number;
  /** Longest wait of one `pull`, ms. */
  readonly blockTimeout: number;
  /** Whether the server is set up to tell of locks that expire, or only listened to. */
  readonly hints: 'configure' | 'listen' | 'off';
  /** A lock has expired, maybe. Never relied upon: it may be lost, late, or about another service. */
  readonly onHint: (place: StreamPlace) => void;
  /** The connection was lost, and is there again: hints may have been missed meanwhile. */
  readonly onReconnected: () => void;
}

export interface OwnershipParts {
  readonly inputs: StreamInputs;
  readonly locks: StreamLocks;
  readonly members: BalancerMembers;
  /** @throws where what is needed cannot be created or reached */
  open(): Promise<void>;
  /** Reads the streams that are owned. */
  subscribe(options: OwnedSubscribeOptions): OwnedSubscription;
  /** Ends a `pull` that waits, and closes connections of its own. Idempotent. */
  close(): Promise<void>;
}

export interface OwnedSubscribeOptions {
  /** Group in which the data streams are read. */
  readonly group: string;
  /** Where a group that does not exist yet begins. */
  readonly startId: string;
  /** All runs of an entry, with the waits between them, pass within so long, ms. */
  readonly runsWithin: number;
  /**
   * A stream is finished, see `Lease.finishing`.
   * @param completed the source has completed it in the same step as the acknowledgement of its last
   * entry. False: the engine is to complete it now
   */
  readonly onFinished: (held: HeldStream, completed: boolean) => void;
}

/**
 * Hands out what is in the streams that are owned: each stream in its order, first what the group has
 * pending, and one entry after the other, the next one once the last one is settled. Everything is
 * done under the stream's guards. Leases have `owned`. No other consumer should read in this group, so
 * nothing has to be kept fresh. What another consumer reads all the same, as a program does that has
 * not heard yet of losing the stream, is taken over before anything behind it is handed out; where
 * something behind it has begun before, it is handed out late, with the event `order-broken`.
 *
 * Once an entry with `finishing` is settled, nothing more is handed out but what other consumers have
 * begun. `onFinished` is told when they have nothing pending any more.
 */
export interface OwnedSubscription extends Subscription {
  /** Begins to read, or goes on with it. */
  add(held: HeldStream): void;
  /**
   * Hands out nothing more of it; resolves when what runs is settled, or waits to run again.
   * @param complete the stream is finished: where a message of it waits to run again, this rejects, and
   * reading goes on. @throws StreamUnsettledError
   */
  letGo(held: HeldStream, complete?: boolean): Promise<void>;
  /** It is not owned any more: nothing of it can be settled. */
  drop(held: HeldStream): void;
}

/** An input, raw. Undefined fields: it was deleted from the stream of inputs. */
export interface StreamInput {
  readonly id: string;
  readonly fields: Fields | undefined;
}

/** An input that was handed out and not completed. */
export interface PendingInput {
  readonly id: string;
  /** Consumer that has it. */
  readonly owner: string;
  /** Since it was handed out, ms; very long where it was given back. */
  readonly idle: number;
}

/** The stream of inputs. Not its job: to know what the fields mean. */
export interface StreamInputs {
  add(fields: Fields): Promise<string>;

  /**
   * New inputs, at most `limit`, as soon as there is one; `[]` when none came in time, or after
   * `close`. They are pending to this consumer then. Rejects at an outage: whoever reads decides how
   * often it is tried again. One at a time.
   */
  pull(limit: number): Promise<readonly StreamInput[]>;

  /** A page of what is pending to anybody, in the order of ids. */
  pending(after: string | undefined, limit: number): Promise<readonly PendingInput[]>;

  /** Those that are still pending to whom they were have been handed out to this consumer just now. */
  adopt(rows: readonly PendingInput[]): Promise<void>;

  /** Inputs by their ids, in that order. */
  read(ids: readonly string[]): Promise<readonly StreamInput[]>;

  /**
   * Moves an input to the dead letters of the service, with a reason. Repeats rather than loses.
   * @returns whether it was moved by this call
   */
  discard(input: StreamInput, reason: string): Promise<boolean>;

  /** Why no data stream may have this name, as a sentence: the service keeps something there itself. */
  problemOf(stream: string): string | undefined;
}

/**
 * What came of trying to own a stream. `held`: somebody's lock is alive. `gone`: the input is not
 * pending any more, or, where it had to be our own, pending to somebody else. `busy`: the stream is
 * owned by way of another input.
 */
export type TakeOutcome =
  { readonly word: 'taken'; readonly token: number } | { readonly word: 'held' | 'gone' | 'busy' };

/** `gone`: the input is not pending any more, so there is nothing left to do. */
export type LetGoOutcome = 'settled' | 'lost' | 'gone';

/** `unsettled`: other consumers have entries of the stream pending, so it is not finished. */
export type CompleteOutcome = LetGoOutcome | 'unsettled';

/** A consumer to which a stream is handed over, as it was seen. */
export interface HandOverTarget {
  readonly consumer: string;
  /** What it had said. */
  readonly said: string;
  /** How many inputs it was handed and had not noted. */
  readonly handed: number;
}

/**
 * `stale`: the other consumer has said something else since, or was handed more, so that it might get too
 * many; nothing is done.
 */
export type StreamHandOverOutcome = LetGoOutcome | 'stale';

/** Who owns which stream. */
export interface StreamLocks {
  /** Who keeps these locks alive. Undefined: nobody. */
  holders(places: readonly StreamPlace[]): Promise<readonly (string | undefined)[]>;

  /**
   * Locks a stream, moves its input to this consumer, and raises its token, so that whatever an
   * owner before still does is refused. Broken off in between, the lock expires by itself.
   * @param ours only where the input is pending to this consumer already
   */
  take(place: StreamPlace, ours: boolean): Promise<TakeOutcome>;

  /**
   * Keeps locks alive, and their inputs young: other programs take old ones. A lock that has expired is
   * taken anew where nobody else was there in between.
   * One outcome per stream, in order.
   */
  extend(held: readonly HeldStream[]): Promise<readonly ('held' | 'lost')[]>;

  /**
   * The stream is finished: its input is acknowledged and deleted. May be repeated.
   * @param group in which the stream is read: refused while it has entries pending to other consumers
   */
  complete(held: HeldStream, group?: string): Promise<CompleteOutcome>;

  /**
   * The stream is not finished, and anybody may take it at once, or read its input anew. May be
   * repeated.
   */
  release(held: HeldStream): Promise<LetGoOutcome>;

  /**
   * Makes another consumer the owner in one step, under a higher token, so that no third consumer
   * takes the stream in between. That consumer is told by its next `meet`; until then it is only locked in its name.
   */
  handOver(held: HeldStream, target: HandOverTarget): Promise<StreamHandOverOutcome>;

  /** Hold while this consumer owns the stream. */
  guards(held: HeldStream): readonly Guard[];
}

/** A consumer of the service, as it tells of itself. */
export interface BalancerMember {
  readonly consumer: string;
  /** Since it was last heard of, ms. */
  readonly age: number;
  /** What it said. */
  readonly said: string;
  /** What was handed over to it, and it has not noted. */
  readonly handed: readonly HandedInput[];
}

/** An input that was handed over. */
export interface HandedInput {
  readonly id: string;
  /** Under which the stream is owned. */
  readonly token: number;
}

/** Who else is there. */
export interface BalancerMembers {
  /**
   * Says something of this consumer, and answers what all consumers have said, this one included.
   * @param noted inputs that were handed over to us, and are counted in what is said
   */
  meet(saying: string, noted?: readonly string[]): Promise<readonly BalancerMember[]>;
  leave(): Promise<void>;
}
