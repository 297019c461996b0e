import { canonicalId } from '../../entry-ids/entry-id.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import type { EntryLog, LogReader } from './entry-log.js';
import type { Claim, Fence, Pending, Seen } from './pending-entry.js';

/** The state of one group on a log: how far it has read, and its pending list. */
export class ConsumerGroup implements LogReader {
  /** In the order of the log. */
  private pending = new Map<number, Pending>();
  private releasedCount = 0;
  /** Number of entries that were handed to each consumer and not fetched yet. */
  private readonly handed = new Map<string, number>();
  private next = 0;
  /**
   * The last position in the pending list when the group was moved back. Reading up to it disorders
   * the list.
   */
  private disorderedUpTo = -1;
  readonly consumers = new Map<string, Seen>();
  /** Id of the entry that was delivered last, or behind which the group was put. */
  lastDeliveredId = '0-0';
  /**
   * Deleted on purpose. Its consumers keep the object, and read on once the group is created again.
   */
  deleted = false;

  constructor(
    private readonly log: EntryLog,
    startId: string,
  ) {
    this.moveTo(startId);
  }

  get floor(): number {
    const [oldest = this.next] = this.pending.keys();
    return this.deleted ? this.log.end : Math.min(oldest, this.next);
  }

  /** Whether released entries wait for a consumer. */
  get hasReleased(): boolean {
    return this.releasedCount > 0;
  }

  /** Whether handed entries were not fetched yet. */
  get hasHanded(): boolean {
    return this.handed.size > 0;
  }

  /** Oldest first. */
  get allPending(): ReadonlyMap<number, Pending> {
    return this.pending;
  }

  /** Number of entries of the log behind the group, deleted ones included. */
  get position(): number {
    return this.next;
  }

  isPending(position: number): boolean {
    return this.pending.has(position);
  }

  /** Makes the group read on behind this id: `0`, `$`, or any id. */
  moveTo(id: string): void {
    const { log } = this;
    this.next = log.positionBehind(id);
    this.lastDeliveredId = id === '$' ? log.lastId : canonicalId(id);
    const last = [...this.pending.keys()].at(-1) ?? -1;
    if (this.next <= last) this.disorderedUpTo = last;
  }

  /** Deletes the group with all its pending entries. */
  delete(): void {
    this.deleted = true;
    this.pending.clear();
    this.consumers.clear();
    this.releasedCount = 0;
    this.handed.clear();
  }

  /** Whether the group has not settled the entry at this position. */
  needs(position: number): boolean {
    return position >= this.next || this.isPending(position);
  }

  /** Number of entries that no consumer of the group has read. */
  countUnread(): number {
    let count = 0;
    if (this.deleted) return count;
    for (let at = this.next; at < this.log.end; at++) if (this.log.at(at)) count++;
    return count;
  }

  /** Id of the first entry that no consumer of the group has read. */
  firstUnread(): string | undefined {
    for (let at = this.next; at < this.log.end; at++) {
      const entry = this.log.at(at);
      if (entry) return entry.id;
    }
    return undefined;
  }

  /** Number of released entries that pass the test. */
  countReleased(wanted: (position: number) => boolean): number {
    if (!this.hasReleased) return 0;
    return [...this.pending].filter(
      ([position, { consumer }]) => consumer === undefined && wanted(position),
    ).length;
  }

  /** Number of entries that were handed to this consumer and not fetched yet. */
  countHanded(consumer: string): number {
    return this.handed.get(consumer) ?? 0;
  }

  /** Reads new entries, and charges their first run. Returns their positions. */
  read(consumer: string, limit: number, now: number): number[] {
    const positions: number[] = [];
    if (this.deleted) return positions;
    for (; positions.length < limit && this.next < this.log.end; this.next++) {
      const entry = this.log.at(this.next);
      if (!entry) continue;
      // Pending already, because the group was moved back: counted anew.
      const before = this.pending.get(this.next);
      if (before) this.countOut(before);
      this.pending.set(this.next, { id: entry.id, consumer, deliveredAt: now, count: 1 });
      this.lastDeliveredId = entry.id;
      positions.push(this.next);
    }
    if (this.disorderedUpTo >= 0 && positions.length > 0) this.putInOrder();
    this.sawConsumer(consumer, now, positions.length > 0);
    return positions;
  }

  /**
   * Hands entries that pass the test to a consumer, uncharged, oldest first. Drops entries whose
   * data is gone, because no consumer can run them.
   */
  claim(
    consumer: string,
    limit: number,
    now: number,
    wanted: (position: number, pending: Pending) => boolean,
  ): { claims: Claim[]; dropped: number } {
    const claims: Claim[] = [];
    let dropped = 0;
    for (const [position, pending] of this.pending) {
      if (claims.length >= limit) break;
      if (pending.held || !wanted(position, pending)) continue;
      if (this.dropIfTrimmed(position)) {
        dropped++;
        continue;
      }
      claims.push({ position, count: pending.count, from: pending.consumer });
      this.handTo(pending, consumer, now);
    }
    if (claims.length > 0) this.sawConsumer(consumer, now, true);
    return { claims, dropped };
  }

  /** The pending record, where the holder of this fence still owns it. */
  owned(fence: Fence): Pending | 'lost' | 'gone' {
    const pending = this.pending.get(fence.position);
    if (!pending) return 'gone';
    const same = pending.consumer === fence.consumer && pending.count === fence.attempt;
    return same ? pending : 'lost';
  }

  /** Returns true where the entry's data is gone. The pending record is then removed. */
  dropIfTrimmed(position: number): boolean {
    if (this.log.at(position)) return false;
    this.remove(position);
    return true;
  }

  /** Removes an entry from the pending list, no matter which consumer owns it. */
  remove(position: number): void {
    const pending = this.pending.get(position);
    if (!pending) return;
    this.countOut(pending);
    this.pending.delete(position);
    this.log.forgetSettled();
  }

  release(pending: Pending, count: number): void {
    pending.consumer = undefined;
    pending.count = count;
    this.releasedCount++;
  }

  /** Makes another consumer the owner, which has to fetch the entry. */
  handOver(pending: Pending, consumer: string, count: number, now: number): void {
    this.handTo(pending, consumer, now);
    pending.count = count;
    pending.handed = true;
    this.handed.set(consumer, this.countHanded(consumer) + 1);
  }

  /** No consumer gets the entry before it is released. */
  hold(pending: Pending, record: DeadLetterRecord, now: number): void {
    this.handTo(pending, HELD_CONSUMER, now);
    pending.held = record;
  }

  private handTo(pending: Pending, consumer: string, now: number): void {
    this.countOut(pending);
    pending.consumer = consumer;
    pending.deliveredAt = now;
  }

  /** The entry is neither released nor handed over any more. */
  private countOut(pending: Pending): void {
    if (pending.consumer === undefined) this.releasedCount--;
    if (pending.handed) this.countFetched(pending.consumer!);
    pending.handed = false;
  }

  private countFetched(consumer: string): void {
    const left = this.countHanded(consumer) - 1;
    if (left > 0) this.handed.set(consumer, left);
    else this.handed.delete(consumer);
  }

  private sawConsumer(consumer: string, now: number, got: boolean): void {
    const seen = this.consumers.get(consumer);
    const gotAt = got ? now : seen?.gotAt;
    if (seen) Object.assign(seen, { at: now, gotAt });
    else this.consumers.set(consumer, { at: now, gotAt });
  }

  private putInOrder(): void {
    this.pending = new Map([...this.pending].sort(([a], [b]) => a - b));
    if (this.next > this.disorderedUpTo) this.disorderedUpTo = -1;
  }
}
