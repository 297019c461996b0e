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

/** What a source can do by itself. What it cannot is done by the engine, or refused at start-up. */
export interface SourceCapabilities {
  /** Short name of the technology, for logs and errors: `redis`, `memory`, … */
  readonly technology: string;
  /**
   * True: after `settle` with a retry the source hands the entry out again by itself, when the delay
   * has passed. False: the engine parks the lease, keeps it fresh, and calls `begin` when it is due.
   */
  readonly redelivers: boolean;
  /** Ack and the messages it publishes are one atomic step. */
  readonly atomicPublish: boolean;
  /** The dead letter and the ack are one atomic step. */
  readonly atomicDeadLetter: boolean;
  /** Attempts are counted by the server and survive the death of every process. */
  readonly durableAttempts: boolean;
  /** `extend` keeps an entry from being handed to others. False: a fixed ack deadline applies. */
  readonly extends: boolean;
  /** Entries with an idempotency key land once. Without it the engine refuses them. @default false */
  readonly idempotentPublish?: boolean;
  /** Publishing can wait until replicas have the entry: `OutgoingEntry.waitReplicas`. */
  readonly replicatedPublish?: boolean;
}

/** One consumer's part in one group, on one or many streams. */
export interface SubscribeOptions {
  readonly streams: readonly string[];
  readonly group: string;
  readonly consumer: string;
  /** Where a group that does not exist yet begins: `0` all, `$` only new, or an id. */
  readonly startId: string;
  /**
   * False: a group that is missing is an error, GroupNotFoundError or StreamNotFoundError. One that
   * vanishes later is not put back: `stream-unreadable` tells of it, with that error. @default true
   */
  readonly createGroup?: boolean;
  /** Longest wait of one `pull`, ms. */
  readonly blockTimeout: number;
  /** An entry that its owner has not kept fresh for so long is handed to another consumer, ms. */
  readonly idleTimeout: number;
  /** How often abandoned entries are looked for, ms. */
  readonly reclaimInterval: number;
  /**
   * How long runs of one message may follow each other, with the waits between them, ms: what a run
   * has published is to be known for longer. @default not told
   */
  readonly runsWithin?: number;
  /**
   * A consumer that holds entries, and has neither read nor kept any fresh for so long, is reported:
   * `consumer-crashed`, ms. Sources whose consumers cannot crash by themselves report none.
   * @default three times `idleTimeout`, or `blockTimeout` where that is longer
   */
  readonly crashedAfter?: number;
  /**
   * Only while these hold is anything handed out, begun, kept fresh or settled, plain acks included:
   * what is refused is `lost`. For one stream, whose only reader in the group is then whoever the
   * guards are for: it is handed all that the group has pending first, whoever owned it, oldest
   * first, and new entries after the last of these. Redriven messages come apart from this order.
   */
  readonly guards?: readonly Guard[];
  /** Told, maybe repeatedly, that a guard does not hold any more; from then on nothing is handed out. */
  readonly onDisowned?: () => void;
}

/** A settlement that the source has to carry out, with the lease that it is about. */
export type Settling = {
  readonly lease: Lease;
} & (
  | { readonly settlement: Ack | Retry | Release | Leave }
  /** `record` is complete but for what the source itself knows. */
  | { readonly settlement: DeadLetterIt; readonly record: DeadLetterRecord }
);

/**
 * Slot 1, a driver's heart: where messages come from and go to.
 *
 * Not its job: backoff, counting towards a limit, deciding on dead letters, concurrency, decoding,
 * metrics. All of that is the engine's, once for all drivers.
 */
export interface MessageSource {
  readonly capabilities: SourceCapabilities;

  /**
   * Appends entries, each to its stream, in the order given within one stream. Answers one id per
   * entry, or the error of that entry, so that one refused entry does not hide the fate of others.
   * Never resends on its own what may have been written.
   *
   * With an idempotency key: where an entry of this stream with this key was published within the
   * window, whoever published it, nothing is appended and its id is the answer. A refused entry does
   * not use up its key.
   */
  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]>;

  /**
   * Creates what is missing (group, consumer) and begins to read. Rejects if it cannot. A group that
   * was deleted on purpose is not created: its stream is left out until it is there again.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>;

  /**
   * Carries out settlements, in any order, as one batch. Answers one outcome per settlement, or an
   * Error where it was refused or its fate is unknown (for example on a lost connection): the engine
   * settles those again later, so a settlement carried out twice must answer `gone`, not fail.
   * A plain ack always answers `settled`: the work is done, whoever owns the entry now. Only under
   * guards it may be `lost`.
   */
  settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]>;

  /** Frees connections and timers, after every subscription was closed. Idempotent. */
  close(): Promise<void>;
}

/** {@link MessageSource.settle}, or what stands around it. */
export type Settle = MessageSource['settle'];

/**
 * A running subscription. All methods may be called while others are under way, except `pull`,
 * of which one is under way at a time.
 */
export interface Subscription {
  /**
   * Hands out entries: new ones, and those that a dead consumer left. At most `limit`, and as soon
   * as there is one; `[]` when nothing came for `blockTimeout`, and at once after `stop`.
   * Outages are the source's to bridge, with backoff: it rejects only when it can never succeed.
   * Never hands out an entry that this subscription still holds. Every lease has its fields; those
   * of an entry whose data was deleted are dropped instead, and reported as `trimmed`.
   */
  pull(limit: number): Promise<Lease[]>;

  /**
   * Hands out, at once, some of what other consumers have handed to this one, and begins no read. The
   * engine calls it in place of `pull` while it may read nothing new, because too much waits for other
   * consumers: those may wait for this one in turn. Sources without live consumers need none.
   */
  takeHanded?(limit: number): Lease[];

  /**
   * Counts a run of a lease that is not `charged`, and fetches its fields. Afterwards the lease is
   * charged, and its `attempt` includes this run.
   */
  begin(lease: Lease): Promise<BeginOutcome>;

  /** Keeps entries from being handed to others. One outcome per lease, in order. */
  extend(leases: readonly Lease[]): Promise<ExtendOutcome[]>;

  /**
   * Forgets a lease without telling the server: it was lost, its data is gone, or (`left`) it stays
   * pending to this consumer by policy, and is not to be handed out here again.
   */
  forget(lease: Lease, left?: boolean): void;

  /**
   * Reads these of its streams from now on, and leaves the others alone: nothing of them is handed
   * out, taken over or adopted until they are named again. What is held stays held. A `pull` under
   * way may still bring what it had read.
   */
  watch(streams: ReadonlySet<string>): void;

  /** Wakes a waiting `pull` and hands out nothing new. What is held can still be settled. */
  stop(): Promise<void>;

  /** Ends the subscription, after everything held was settled or released. Idempotent. */
  close(): Promise<void>;
}
