import { systemClock } from '../../../core/clock.js';
import type { FetchedBatch } from '../connection/kafka-group.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import type { PartitionState } from '../partitions/partition-state.js';
import { RecordBuffer } from './record-buffer.js';

/** A partition asks for more records while fewer than this wait here. */
const FEW = 2000;

/** One partition that this member has, with what was read of it and not handed out yet. */
export class PartitionReading {
  readonly buffer = new RecordBuffer();
  /** Where the next fetch reads. */
  position: number;
  /**
   * The last fetch at this position brought nothing, though there is something: maybe the answer had no
   * room for it. The next fetch asks for this partition alone.
   */
  isAlone = false;
  /** When the last fetch at its position was answered, in milliseconds since the epoch. */
  fetchedAt: number | undefined;
  /** Resolves when the partition is not this member's any more. */
  readonly gone: Promise<void>;
  /** The partition is not this member's any more. */
  readonly end: () => void;
  private leaving = false;

  constructor(readonly state: PartitionState) {
    this.position = state.position;
    let end!: () => void;
    this.gone = new Promise((resolve) => (end = resolve));
    this.end = end;
  }

  get partition(): number {
    return this.state.partition;
  }

  get isLeaving(): boolean {
    return this.leaving;
  }

  get wantsMore(): boolean {
    return this.buffer.size < FEW && !this.leaving;
  }

  /** Bytes of what was read and not handed out, and of what is in hand. */
  get bytes(): number {
    return this.buffer.bytes + this.state.bytes;
  }

  /** Bytes that wait here until they are due. */
  get parkedBytes(): number {
    return 0;
  }

  /** How many leases the engine has, or is about to get. */
  get inHand(): number {
    return this.state.leases.size;
  }

  /** When something waits here that is not due yet: the time, in milliseconds since the epoch. */
  get nextDue(): number | undefined {
    return undefined;
  }

  add(batch: FetchedBatch): void {
    const { records, stable } = batch;
    this.fetchedAt = systemClock.wallTime();
    // Nothing stands at this offset, though the partition goes on behind it: it was compacted.
    const isHole = batch.next === this.position && stable > batch.next;
    const next = isHole && this.isAlone ? batch.next + 1 : batch.next;
    this.isAlone = isHole && !this.isAlone;
    this.position = next;
    this.buffer.add(records);
    this.passRest();
  }

  /** Takes leases of the records that come next, `limit` at most. */
  take(limit: number, into: KafkaLease[]): void {
    for (let left = limit; left > 0 && this.canTake;) {
      const lease = this.state.lease(this.buffer.take()!);
      if (!lease) continue;
      into.push(lease);
      left--;
    }
    this.passRest();
  }

  /** Hands out nothing more. */
  leave(): void {
    this.leaving = true;
    this.state.isDraining = true;
    this.buffer.clear();
  }

  /** Forgets what was read, and reads it again when it is wanted. */
  dropRead(): void {
    this.position = this.buffer.dropRead() ?? this.position;
  }

  /**
   * Reads on at `low`, since what was below it and not read yet was deleted. What waits here stays. Returns
   * how many records were deleted.
   */
  skipTo(low: number): number {
    const deleted = low - this.position;
    this.position = low;
    this.isAlone = false;
    this.passRest();
    return deleted;
  }

  /** Reads on where the state says, and forgets what was read. */
  restart(): void {
    this.buffer.clear();
    this.position = this.state.position;
    this.isAlone = false;
  }

  /** Whether a record can be taken from those that were read. */
  get canTake(): boolean {
    return this.buffer.size > 0 && !this.leaving && !this.state.isFull;
  }

  /** Behind the last record may stand ends of transactions, which are never handed out. */
  protected passRest(): void {
    if (this.buffer.size === 0 && !this.leaving) this.state.skipTo(this.position);
  }
}
