import type { CommittedOffset, ReadBatch } from './read-records.js';

/**
 * The requests of one member of a Kafka group that reads one topic. Waits for nothing but the broker,
 * and repeats nothing: that is the job of the member.
 *
 * Errors are typed as those of `KafkaClient`. A rebalance is a `KafkaReplyError` too:
 * `REBALANCE_IN_PROGRESS`, and where the member has been expelled one of `isExpelled`.
 */
export interface KafkaGroup {
  /**
   * The partitions of the topic by the node that leads them, asked of a broker now; those that no broker
   * leads are with `NO_NODE`. Undefined: no such topic.
   */
  leaders(): Promise<Leaders | undefined>;
  /** Joins, or joins again. Resolves when all members have joined. */
  join(request: JoinRequest): Promise<Joined>;
  /** The leader of the group says who gets what; the others pass nothing. Returns what this member gets. */
  sync(member: Membership, shares: readonly Share[]): Promise<readonly number[]>;
  heartbeat(member: Membership): Promise<void>;
  /** Not of a static member: its partitions wait for its return. */
  leave(memberId: string): Promise<void>;
  /** The broker does not look whether the member owns the partitions. */
  commit(member: Membership, offsets: readonly CommittedOffset[]): Promise<void>;
  /** Reads from partitions that this node leads. */
  fetch(request: FetchRequest): Promise<FetchAnswer>;
  /** Ends the connections within a bounded time. Requests under way reject. Never rejects. */
  close(): Promise<void>;
}

/** Partitions by node. */
export type Leaders = ReadonlyMap<string, readonly number[]>;

/** In place of a node: partitions without a leader. */
export const NO_NODE = '';

export interface GroupOptions {
  readonly groupId: string;
  readonly topic: string;
  /** A member that is silent for this time is expelled, in milliseconds. */
  readonly sessionTimeout: number;
  /** Members that have not joined again after this time are expelled, in milliseconds. */
  readonly rebalanceTimeout: number;
  /** The member is a static one. */
  readonly instanceId?: string | undefined;
}

/** A member in one generation of its group. */
export interface Membership {
  readonly memberId: string;
  readonly generation: number;
}

export interface JoinRequest {
  /** Empty at first. */
  readonly memberId: string;
  /** What this member tells the leader of the group. */
  readonly claim: Buffer;
  /** Told of the id that the broker gives to a new member, before all members have joined. */
  readonly onMemberId: (memberId: string) => void;
}

export interface Joined extends Membership {
  /** What the members have told: only where this member leads the group. */
  readonly members: readonly { readonly memberId: string; readonly claim: Buffer }[];
}

/** The partitions that a member is to have. */
export interface Share {
  readonly memberId: string;
  readonly partitions: readonly number[];
}

export interface FetchRequest {
  readonly node: string;
  readonly positions: readonly { readonly partition: number; readonly offset: number }[];
  /** The broker waits for records for this time, in milliseconds. */
  readonly maxWait: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
}

/** What a fetch brings of one partition: nothing, where nothing came while the broker waited. */
export interface FetchedBatch extends ReadBatch {
  /** The first offset of the partition. */
  readonly low: number;
  /** What stands at this offset or behind it belongs to transactions that are not committed yet. */
  readonly stable: number;
}

export interface FetchAnswer {
  readonly batches: readonly FetchedBatch[];
  /** Why partitions are left out. They are asked for again after some seconds. */
  readonly failed?: readonly Error[];
  /** There are no records at the position of this partition: they were deleted, or never written. */
  readonly outOfRange?: number;
}
