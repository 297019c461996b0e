import type { LeaseState } from '../../../core/lease.js';
import type { CommittedOffset } from '../connection/kafka-client.js';
import { KafkaLease, type DecodeRecord } from './kafka.lease.js';
import type { MemberCommits } from './member-commits.js';
import type {
  HeldLease,
  LeasedPartition,
  PartitionPlace,
  WaitingRecord,
} from './leased-partition.js';
import type { Progress } from './progress.js';
import { RunCount } from './run-count.js';
import { Tracking } from './tracking.js';

/** The subscription that has leases. */
export interface LeaseHolder {
  readonly consumer: string;
  /** The entry was given back: hand it out again, before those with higher offsets. */
  released(partition: number, waiting: WaitingRecord): void;
  /** An entry of this partition is in hand no more. */
  settled(partition: number): void;
}

/** What a partition needs of the member that has it. */
export interface PartitionParts {
  readonly holder: LeaseHolder;
  readonly decode: DecodeRecord;
  /** Commits what the member's partitions have to tell. */
  readonly commits: MemberCommits;
}

/**
 * One partition while this member owns it: what it has handed out, and what of that is done. Once it is
 * closed, all its leases are `lost`, and nothing of it is committed any more.
 */
export class PartitionState implements LeasedPartition {
  /** The leases in hand, by offset. */
  readonly leases = new Map<number, KafkaLease>();
  /** Bytes of the records whose leases are in hand. */
  bytes = 0;
  version = 0;
  committed = 0;
  inTransaction = false;
  isOpen = true;
  isDraining = false;
  private readonly tracking: Tracking;
  private readonly runs = new RunCount();

  constructor(
    readonly place: PartitionPlace,
    start: Progress,
    private readonly parts: PartitionParts,
  ) {
    this.tracking = new Tracking(start, place.isRetries ? 0 : 1);
  }

  get partition(): number {
    return this.place.partition;
  }

  get commits(): MemberCommits {
    return this.parts.commits;
  }

  /** Where reading begins, or goes on after a move. */
  get position(): number {
    return this.tracking.next;
  }

  /** Everything below is done. */
  get floor(): number {
    return this.tracking.floor;
  }

  /** See `Progress.markNumber`. */
  get markNumber(): number {
    return this.tracking.markNumber;
  }

  get transaction(): number {
    return this.tracking.transaction;
  }

  get transacts(): boolean {
    return this.tracking.transacts;
  }

  /** How many leases have a run that was counted and has not ended. */
  get running(): number {
    return this.runs.value;
  }

  /**
   * No other entry may be handed out now: the metadata could become too long. Those that were handed out
   * before may: by an owner before, or given back since.
   */
  get isFull(): boolean {
    return this.tracking.isFull && this.tracking.undone <= this.leases.size;
  }

  isDone(offset: number): boolean {
    return this.tracking.isDone(offset);
  }

  /**
   * Makes the lease of an entry that is to be handed out. Entries come in the order of their offsets,
   * but for those that were given back. Undefined: it is done, or a lease of it is in hand. A lease
   * that is `charged` may be handed out once a commit has told so.
   */
  lease(waiting: WaitingRecord): KafkaLease | undefined {
    const { offset } = waiting;
    const isNew = offset >= this.tracking.handed;
    const runs = this.tracking.take(offset);
    if (runs === undefined || this.leases.has(offset)) return undefined;
    const lease = new KafkaLease(this, waiting, runs, this.parts.decode);
    this.leases.set(offset, lease);
    this.bytes += waiting.bytes;
    if (isNew && runs === 0 && !this.place.isRetries) {
      lease.attempt = 1;
      this.runs.begin(lease);
      this.changed();
    }
    return lease;
  }

  /** There is no record below this offset that was not handed out: the floor may follow. */
  skipTo(offset: number): void {
    const { floor } = this.tracking;
    this.tracking.pass(offset);
    if (this.tracking.floor !== floor) this.changed();
  }

  standingOf(lease: HeldLease): LeaseState {
    if (lease.isOver) return 'gone';
    if (!this.isOpen) return 'lost';
    return this.leases.get(lease.offset) === lease ? 'held' : 'gone';
  }

  finish(lease: HeldLease): void {
    this.end(lease);
    this.tracking.finish(lease.offset);
    this.changed();
    this.parts.holder.settled(this.partition);
  }

  release(lease: HeldLease): void {
    this.uncount(lease);
    this.end(lease);
    this.changed();
    this.parts.holder.released(this.partition, lease.waiting);
  }

  park(lease: HeldLease): void {
    this.runs.end(lease);
    lease.keepAlone();
  }

  uncount(lease: HeldLease): boolean {
    if (!lease.charged) return false;
    lease.attempt--;
    this.tracking.setRuns(lease.offset, lease.runsHere);
    this.runs.end(lease);
    this.changed();
    return true;
  }

  count(lease: HeldLease): void {
    lease.attempt++;
    lease.readAgain();
    this.tracking.setRuns(lease.offset, lease.runsHere);
    this.runs.begin(lease);
    this.changed();
  }

  /** The lease is dropped without a settlement. */
  forget(lease: HeldLease): void {
    if (this.leases.get(lease.offset) === lease) this.drop(lease);
  }

  /**
   * The group goes on at this offset, by the mark with this number. Read on at `position` then.
   * @param keepsPending what is in hand stays, and is not handed out again; otherwise nothing is
   * remembered, and the leases in hand are `gone`
   */
  moveTo(offset: number, markNumber: number, keepsPending: boolean): void {
    if (keepsPending) this.tracking.moveTo(offset);
    else {
      this.tracking.startAt(offset);
      for (const lease of [...this.leases.values()]) this.drop(lease);
    }
    this.tracking.markNumber = markNumber;
    this.changed();
  }

  /** The member has this partition no more. Returns the leases that were in hand. */
  close(): KafkaLease[] {
    this.isOpen = false;
    const lost = [...this.leases.values()];
    this.leases.clear();
    this.bytes = 0;
    this.runs.endAll();
    if (lost.length > 0) this.parts.holder.settled(this.partition);
    return lost;
  }

  /** Resolves when no lease has a run that was counted and has not ended. */
  idle(): Promise<void> {
    return this.runs.idle();
  }

  async useTransactions(): Promise<boolean> {
    this.tracking.transacts = true;
    this.changed();
    await this.commits.now([this]);
    return this.isOpen;
  }

  toCommit(): CommittedOffset {
    return { partition: this.partition, ...this.tracking.toCommit() };
  }

  toCommitWith(leases: readonly HeldLease[]): CommittedOffset {
    const progress = this.tracking.progress(leases.map(({ offset }) => offset));
    const transaction = this.transaction + 1;
    return { partition: this.partition, ...this.tracking.toCommit({ ...progress, transaction }) };
  }

  transacted(leases: readonly HeldLease[], version: number): void {
    const isAllTold = this.version === version;
    this.tracking.transaction++;
    for (const lease of leases) if (this.standingOf(lease) === 'held') this.finish(lease);
    if (isAllTold) this.committed = this.version;
  }

  private drop(lease: HeldLease): void {
    this.end(lease);
    this.parts.holder.settled(this.partition);
  }

  private end(lease: HeldLease): void {
    this.runs.end(lease);
    lease.isOver = true;
    if (this.leases.delete(lease.offset)) this.bytes -= lease.waiting.bytes;
  }

  private changed(): void {
    this.version++;
    this.parts.commits.soon(this);
  }
}
