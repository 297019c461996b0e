import { systemClock } from '../../../core/clock.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import type { WaitingRecord } from '../partitions/leased-partition.js';
import { Parked } from '../retries/parked.js';
import { readRetry } from '../retries/retry-record.js';
import { PartitionReading } from './partition-reading.js';

/** One partition of a retry topic: what was read waits here until it is due. */
export class RetryReading extends PartitionReading {
  /** Their leases are made, so that the floor stays below them. */
  private readonly parked = new Parked<KafkaLease>();

  override get wantsMore(): boolean {
    return super.wantsMore && !this.parked.isFull;
  }

  override get bytes(): number {
    return super.bytes - this.parked.bytes;
  }

  override get parkedBytes(): number {
    return this.parked.bytes;
  }

  override get inHand(): number {
    return super.inHand - this.parked.size;
  }

  override get nextDue(): number | undefined {
    return this.isLeaving ? undefined : this.parked.nextDue;
  }

  override take(limit: number, into: KafkaLease[]): void {
    if (this.isLeaving) return;
    while (this.canTake && !this.parked.isFull) this.park(this.buffer.take()!);
    this.passRest();
    for (const lease of this.parked.takeDue(systemClock.wallTime(), limit)) {
      lease.readAgain();
      into.push(lease);
    }
  }

  override restart(): void {
    super.restart();
    this.parked.clear();
  }

  private park(waiting: WaitingRecord): void {
    // A message that was given back has been due before.
    const retried = waiting.origin ? undefined : readRetry(waiting.record);
    const lease = this.state.lease(
      retried ? { ...waiting, record: retried.record, origin: retried } : waiting,
    );
    if (!lease) return;
    // A record of another program is no message of this group.
    if (!lease.waiting.origin) return this.state.finish(lease);
    lease.keepAlone();
    lease.forgetFields();
    this.parked.add(lease, retried?.dueAt ?? 0, lease.bytes);
  }
}
