import type { Guard } from '../core/guard.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../core/lease.js';
import type { OutgoingEntry } from '../core/message.js';
import type { DeadLetterRecord } from '../core/dead-letter-record.js';
import type {
  Ack,
  DeadLetterIt,
  Leave,
  Release,
  Retry,
  SettleOutcome,
} from '../core/settlement.js';

/**
 * What a source can do by itself. The engine does the rest, or refuses it at start-up. A source
 * states each of them, and claims nothing that only sometimes holds.
 */
export interface SourceCapabilities {
  /** Short name of the technology, for logs and errors: `redis`, `memory`, … */
  readonly technology: string;
  /**
   * True: after `settle` with a retry the source hands the entry out again by itself, when the
   * delay has passed. False: the engine parks the lease, keeps it fresh, and calls `begin` when it
   * is due.
   */
  readonly redelivers: boolean;
  /**
   * What a consumer holds.
   * - `entry`: each entry by itself. It can be fenced, kept fresh, settled, released and taken over
   *   apart from all others.
   * - `partition`: all entries of a partition, which has one consumer of the group at a time. The
   *   fence is that of the partition: `begin`, `extend` and `settle` return `lost` once it has moved.
   *   No other consumer takes over a single entry, `leaves` is false, and `release` gives an entry
   *   back to no peer: the partition's next consumer gets it. Entries come in order per partition
   *   only. Leases have a `partition`.
   */
  readonly holds: 'entry' | 'partition';
  /** The settlement `leave` is there: an entry can stay pending while others are settled. */
  readonly leaves: boolean;
  /** Released entries come again in the order of their stream, before those behind them. */
  readonly keepsReleasedOrder: boolean;
  /**
   * - `at-least-once`: an entry that was handed out and not settled comes again.
   * - `at-most-once`: an entry may be lost with the process that was handed it.
   */
  readonly delivery: 'at-least-once' | 'at-most-once';
  /**
   * What remembers how far a group has come.
   * - `source`: the source does.
   * - `engine`: the source does not. The engine keeps it in the state store, and passes it in
   *   `SubscribeOptions.positions`.
   */
  readonly positions: 'source' | 'engine';
  /**
   * Most bytes of one message, payload and envelope together. The engine's `maxPayloadBytes` is
   * bounded by it at start-up. Undefined: the source has no bound that an application would meet.
   */
  readonly maxPayload?: number;
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
   * An entry with an idempotency key is published once.
   * - `true`: for the window that the entry asks for.
   * - `native`: for a window of the server's own, per stream. That of the entry is not heeded.
   * - `false`: the engine refuses such entries.
   */
  readonly idempotentPublish: boolean | 'native';
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
   * Only for sources with `positions: 'engine'`: per stream, the id behind which to hand out. A
   * stream that is not in it begins at `startId`.
   */
  readonly positions?: ReadonlyMap<string, string>;
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
   * - An id is unique within its stream, and is the id that readers see.
   * - Fields come back as they were, in their order: any Unicode text, empty texts, a name twice.
   * - Fields are copied: what the caller changes later changes nothing.
   * - `publishedAt` of the lease is the time of publication, by the server's clock.
   * - Streams are named without the key prefix, here and in leases. Two prefixes share nothing.
   * - An empty batch returns an empty list.
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
   * - A group that does not exist begins where `startId` says: at the first entry, at the next one,
   *   or behind the entry with this id. A group that exists goes on where it was.
   * - A stream that does not exist yet is waited for.
   * - Rejects for a `startId` that is neither `0` nor `$` nor an id.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>;

  /**
   * Carries out settlements, in any order, as one batch. Returns one outcome per settlement, or an
   * Error where it was refused or its fate is unknown, for example after a lost connection.
   * - The engine tries those with an Error again. So a settlement that is carried out twice must
   *   return `gone`, and not fail.
   * - A plain acknowledgement always returns `settled`, no matter which consumer owns the entry:
   *   the work is done. Only under guards it may be `lost`.
   * - All other settlements are behind the fence: `lost` where another consumer, or a later run of
   *   the same one, has the entry. Then nothing is published or stored, and the entry is not touched.
   *
   * What a settlement does:
   * - Acknowledge with `publish`: appends the messages in their order, each to its stream, then
   *   forgets the entry. With `atomicPublish` it does neither where one of them is refused.
   * - Dead-letter: stores `record` with the fields that the lease was handed, then forgets the entry.
   *   Each group that gives up has a dead letter of its own.
   * - Retry: with `redelivers` the source hands the entry out again after the delay. Otherwise the
   *   lease stays, is not `charged` any more, and is fresh; `gone` where its data was deleted. With
   *   `uncharged` a run that was counted is taken back.
   * - Release: any consumer may take the entry at once. Released entries keep their order. A run that
   *   was charged is taken back; runs that ended stay counted. With `elsewhere` the entry goes to
   *   other consumers only, and the lease may `begin` until one has taken it.
   * - Leave: the entry stays pending to its consumer. A run that was charged is taken back, and the
   *   entry ages from now on.
   */
  settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]>;

  /**
   * Returns an id up to which the group has settled everything, as high as the source can tell: below
   * the oldest entry that any consumer of the group has pending, parked and released entries
   * included, and not above what was handed out. No entry need have this id. A consumer that resumes
   * behind it skips nothing.
   * - What was skipped by `startId`, or by setting the position of the group, counts as settled.
   *   Redriven messages do not count.
   * - Undefined: there is nothing that the group has settled, or no such group. Creates neither group
   *   nor stream.
   *
   * Leave it out where the source cannot tell: the engine then follows its own settlements.
   */
  settledUpTo?(stream: string, group: string): Promise<string | undefined>;

  /**
   * Frees connections and timers, after every subscription was closed. Other connections to the same
   * data go on. Idempotent.
   */
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
   * - Consumers of one group share its entries; each entry goes to one of them. Each group gets all.
   * - New entries come in the order of their stream, charged with their first run.
   * - An entry that was not kept fresh for `idleTimeout` goes to one other consumer of its group, not
   *   earlier, oldest first. It comes uncharged, with the count of its runs so far, and is fresh
   *   again. The source reports it as `reclaimed`.
   * - Returns `limit` entries at most, of all streams together, as soon as there is one; `[]` when none came for
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
   * charged, its `attempt` includes this run, and the entry is fresh. Returns `lost` where another
   * consumer has the entry, and `gone` where it was acknowledged or its data was deleted.
   */
  begin(lease: Lease): Promise<BeginOutcome>;

  /**
   * Keeps entries from being handed to other consumers. Returns one outcome per lease, in order.
   * An acknowledged entry is `gone`, and does not come back. An entry whose data was deleted is
   * `trimmed` once, and `gone` after that.
   */
  extend(leases: readonly Lease[]): Promise<ExtendOutcome[]>;

  /**
   * Forgets a lease without telling the server: it was lost, its data is gone, or (`left`) it stays
   * pending to this consumer by policy and must not be handed out here again. Other consumers may
   * take a left entry, and it can still be acknowledged. A lost entry may be handed out here again.
   * Idempotent; a lease that was handed out later is not forgotten.
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

  /**
   * Ends the subscription, after all held entries were settled or released. Entries that are still
   * held go to other consumers after `idleTimeout`. Works without `stop`, too. Idempotent.
   */
  close(): Promise<void>;
}
