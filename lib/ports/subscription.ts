import type { Guard } from '../core/guard.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../core/lease.js';
import type { ReadTrouble } from '../core/read-trouble.js';
import type { Rebalancing } from './rebalancing.js';

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
   * Only for sources with `positions: 'engine'`, where `startId` is `$`: for each stream without a
   * position, the id of its newest entry when the subscription began, or `0` where it had none. The
   * engine records it at once, so that a consumer that is killed before its first record skips
   * nothing when it starts again.
   */
  readonly began?: ReadonlyMap<string, string> | undefined;

  /**
   * From now on reads only these of its streams. Nothing of the others is handed out, taken over or
   * adopted until they are named again. Entries that are held stay held. A `pull` under way may
   * still return what it had read.
   */
  watch(streams: ReadonlySet<string>): void;

  /**
   * What keeps it from reading just now. Health checks call it: `pull` bridges what fails, and does not
   * tell of it. Leave it out where nothing can keep the source from reading but the end of its connection.
   */
  trouble?(): ReadTrouble;

  /**
   * Only for sources that lose what has not run when the subscription ends. Asks the server for
   * nothing more, while `pull` goes on to hand out what has arrived. Resolves when all of it was
   * handed out. The engine calls it before `stop`, and lets what is in hand run.
   */
  drain?(): Promise<void>;

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
  /** A source that holds partitions calls it. @default the source need not wait for anything */
  readonly rebalancing?: Rebalancing;
}
