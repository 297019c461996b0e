import type { Guard } from '../core/guard.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../core/lease.js';
import type { OutgoingEntry } from '../core/message.js';
import type { DeadLetterRecord } from './dead-letters.js';
import type {
  Ack,
  DeadLetterIt,
  Leave,
  Release,
  Retry,
  SettleOutcome,
} from '../core/settlement.js';

/** What a source can do by itself. The engine does the rest, or refuses it at start-up. */
export interface SourceCapabilities {
  /** Short name of the technology, for logs and errors: `redis`, `memory`, … */
  readonly technology: string;
  /**
   * True: after `settle` with a retry the source hands the entry out again by itself, when the
   * delay has passed. False: the engine parks the lease, keeps it fresh, and calls `begin` when it
   * is due.
   */
  readonly redelivers: boolean;
  /** The acknowledgement and the messages that it publishes are one atomic step. */
  readonly atomicPublish: boolean;
  /** The dead letter and the acknowledgement are one atomic step. */
  readonly atomicDeadLetter: boolean;
  /** The server counts attempts, so they survive the death of every process. */
  readonly durableAttempts: boolean;
  /**
   * `extend` keeps an entry from being handed to other consumers. False: a fixed deadline applies.
   */
  readonly extends: boolean;
  /**
   * An entry with an idempotency key is published once. Without this the engine refuses such
   * entries. @default false
   */
  readonly idempotentPublish?: boolean;
  /** Publishing can wait until replicas have the entry: `OutgoingEntry.waitReplicas`. */
  readonly replicatedPublish?: boolean;
}

/** A consumer of a group, on one or many streams. */
export interface SubscribeOptions {
  readonly streams: readonly string[];
  readonly group: string;
  readonly consumer: string;
  /** Where a new group begins: `0` all entries, `$` only new ones, or an id. */
  readonly startId: string;
  /**
   * False: a missing group is a GroupNotFoundError or StreamNotFoundError. A group that vanishes
   * later is not recreated: `stream-unreadable` tells of it, with that error. @default true
   */
  readonly createGroup?: boolean;
  /** Longest wait of one `pull`, in milliseconds. */
  readonly blockTimeout: number;
  /**
   * An entry that its owner has not kept fresh for this time is handed to another consumer, in
   * milliseconds.
   */
  readonly idleTimeout: number;
  /** How often the source looks for abandoned entries, in milliseconds. */
  readonly reclaimInterval: number;
  /**
   * Longest time from the first to the last run of a message, waits included, in milliseconds. The
   * source has to remember for longer what a run has published. @default not told
   */
  readonly runsWithin?: number;
  /**
   * A consumer that holds entries, and has neither read nor kept any fresh for this time, is
   * reported by `consumer-crashed`, in milliseconds. Sources whose consumers cannot crash by
   * themselves report none.
   * @default three times `idleTimeout`, or `blockTimeout` where that is longer
   */
  readonly crashedAfter?: number;
  /**
   * The source hands out, begins, keeps fresh and settles entries only while these guards hold.
   * That includes plain acknowledgements; what is refused is `lost`.
   *
   * For one stream, of which this consumer is then the only reader in the group. It is handed all
   * pending entries of the group first, of any consumer, oldest first, and new entries after the
   * last of these. Redriven messages come apart from this order.
   */
  readonly guards?: readonly Guard[];
  /**
   * Called, maybe repeatedly, when a guard does not hold any more. From then on nothing is handed
   * out.
   */
  readonly onDisowned?: () => void;
}

/** A settlement that the source has to carry out, with its lease. */
export type Settling = {
  readonly lease: Lease;
} & (
  | { readonly settlement: Ack | Retry | Release | Leave }
  /** `record` is complete except for what only the source knows. */
  | { readonly settlement: DeadLetterIt; readonly record: DeadLetterRecord }
);

/**
 * Slot 1, the heart of a driver: where messages come from and go to.
 *
 * Not its job: backoff, counting towards a limit, deciding on dead letters, concurrency, decoding,
 * metrics. The engine does all of that, once for all drivers.
 */
export interface MessageSource {
  readonly capabilities: SourceCapabilities;

  /**
   * Appends entries, each to its stream, in the order given within one stream. Returns one id per
   * entry, or the error of that entry, so that a refused entry does not hide what became of others.
   * Never resends on its own what may have been written.
   *
   * With an idempotency key: where an entry of this stream was published with this key within the
   * window, by any producer, nothing is appended and the id of that entry is returned. A refused
   * entry does not use up its key.
   */
  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]>;

  /**
   * Creates what is missing (group, consumer) and begins to read. Rejects if it cannot. A group
   * that was deleted on purpose is not created: its stream is left out until the group exists
   * again.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>;

  /**
   * Carries out settlements, in any order, as one batch. Returns one outcome per settlement, or an
   * Error where it was refused or its fate is unknown, for example after a lost connection.
   * - The engine tries those with an Error again. So a settlement that is carried out twice must
   *   return `gone`, and not fail.
   * - A plain acknowledgement always returns `settled`, no matter which consumer owns the entry:
   *   the work is done. Only under guards it may be `lost`.
   */
  settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]>;

  /** Frees connections and timers, after every subscription was closed. Idempotent. */
  close(): Promise<void>;
}

/** {@link MessageSource.settle}, or a function around it. */
export type Settle = MessageSource['settle'];

/**
 * A running subscription. All methods may be called while others are under way, except `pull`: one
 * at a time.
 */
export interface Subscription {
  /**
   * Hands out entries: new ones, and those that a dead consumer left.
   * - Returns `limit` entries at most, as soon as there is one; `[]` when none came for
   *   `blockTimeout`, and at once after `stop`.
   * - Bridges outages itself, with backoff. Rejects only when it can never succeed.
   * - Never hands out an entry that this subscription still holds.
   * - Every lease has its fields. An entry whose data was deleted is dropped instead, and reported
   *   as `trimmed`.
   */
  pull(limit: number): Promise<Lease[]>;

  /**
   * Hands out, at once, some of the entries that other consumers have handed to this one, and
   * begins no read. The engine calls it in place of `pull` while it may read nothing new, because
   * too much waits for other consumers: those may wait for this one in turn. Sources without live
   * consumers need none.
   */
  takeHanded?(limit: number): Lease[];

  /**
   * Counts a run of a lease that is not `charged`, and fetches its fields. Afterwards the lease is
   * charged, and its `attempt` includes this run.
   */
  begin(lease: Lease): Promise<BeginOutcome>;

  /**
   * Keeps entries from being handed to other consumers. Returns one outcome per lease, in order.
   */
  extend(leases: readonly Lease[]): Promise<ExtendOutcome[]>;

  /**
   * Forgets a lease without telling the server: it was lost, its data is gone, or (`left`) it stays
   * pending to this consumer by policy and must not be handed out here again.
   */
  forget(lease: Lease, left?: boolean): void;

  /**
   * From now on reads only these of its streams. Nothing of the others is handed out, taken over or
   * adopted until they are named again. Entries that are held stay held. A `pull` under way may
   * still return what it had read.
   */
  watch(streams: ReadonlySet<string>): void;

  /**
   * Wakes a waiting `pull`, and hands out nothing new. Entries that are held can still be settled.
   */
  stop(): Promise<void>;

  /** Ends the subscription, after all held entries were settled or released. Idempotent. */
  close(): Promise<void>;
}
