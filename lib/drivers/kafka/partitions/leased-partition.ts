import type { LeaseState } from '../../../core/lease.js';
import type { CommittedOffset, ReadRecord } from '../connection/kafka-client.js';
import type { CommittingPartition, MemberCommits } from './member-commits.js';

/** A record that waits to be handed out. */
export interface WaitingRecord {
  /** Its place in the partition that is read. */
  readonly offset: number;
  /** In milliseconds since the epoch. */
  readonly timestamp: number;
  /** As it was published. */
  readonly record: Pick<ReadRecord, 'key' | 'value' | 'headers'>;
  /** What it counts for in the bytes that a subscription may keep. */
  readonly bytes: number;
  /** Set for a record of a retry topic: which message it is. */
  readonly origin?: MessageOrigin | undefined;
}

/** The message of a record of a retry topic. */
export interface MessageOrigin {
  readonly stream: string;
  readonly id: string;
  /** Time of its first publication, in milliseconds since the epoch. */
  readonly publishedAt: number;
  /** Runs before it came to the retry topic. */
  readonly attempts: number;
  readonly redriven?: boolean | undefined;
  readonly redrive?: number | undefined;
}

/** A partition as a group reads it. */
export interface PartitionPlace {
  readonly stream: string;
  readonly group: string;
  /** The Kafka group. */
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  /** The topic is a retry topic: no run is counted before it begins. */
  readonly isRetries: boolean;
}

/** What the account of a partition needs of a lease. */
export interface HeldLease {
  readonly waiting: WaitingRecord;
  readonly offset: number;
  attempt: number;
  charged: boolean;
  /** The entry was settled or given back by this lease, or forgotten. */
  isOver: boolean;
  /** Runs that were counted by the partition that is read: without those before a retry topic. */
  readonly runsHere: number;
  /** The lease waits for long: its record keeps nothing in memory beside itself. */
  keepAlone(): void;
  /** The fields of the record are there again: the engine drops them while a retry waits. */
  readAgain(): void;
}

/** One partition while this member owns it, as its leases know it: see `PartitionState`. */
export interface LeasedPartition extends CommittingPartition {
  readonly place: PartitionPlace;
  /** The member is about to give the partition up: no run begins. */
  readonly isDraining: boolean;
  readonly commits: MemberCommits;
  /** Number of the last transaction with an offset of this partition. */
  readonly transaction: number;

  /** Whose entry this is. `gone`: the lease was settled, or the group was moved. */
  standingOf(lease: HeldLease): LeaseState;
  /** The work of this lease is done. */
  finish(lease: HeldLease): void;
  /** The entry is handed out again. A run that has not ended is taken back. */
  release(lease: HeldLease): void;
  /** The lease is dropped without a settlement. */
  forget(lease: HeldLease): void;
  /** The run of this lease has ended, and another one follows later. */
  park(lease: HeldLease): void;
  /** Takes the run that has not ended back. Returns whether there was one. */
  uncount(lease: HeldLease): boolean;
  /** Counts a run of this lease that is about to begin. */
  count(lease: HeldLease): void;
  /** What the next transaction commits, in which these leases are settled. */
  toCommitWith(leases: readonly HeldLease[]): CommittedOffset;
  /** The next transaction has committed what `toCommitWith` has told of this version. */
  transacted(leases: readonly HeldLease[], version: number): void;
  /**
   * Tells the group that each owner has to open the transactional producer first. Resolves to whether this
   * member still has the partition.
   */
  useTransactions(): Promise<boolean>;
}
