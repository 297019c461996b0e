import { canonicalId } from '../../../core/entry-id.js';
import type { EntryLog, LogReader } from './entry-log.js';

/** A delivered entry that nobody has acknowledged. */
export interface Pending {
  readonly id: string;
  /** Undefined once it was released: it is anybody's. */
  consumer: string | undefined;
  /** When its owner last showed that it holds it, ms. */
  deliveredAt: number;
  /** Runs charged. */
  count: number;
  /** It was handed to its consumer, which has not fetched it yet. */
  handed?: boolean;
}

/** When a consumer last asked for something, and last got something, ms. */
export interface Seen {
  at: number;
  gotAt: number | undefined;
}

/** The fence: what a consumer believes about an entry that it was handed. */
export interface Hold {
  readonly position: number;
  readonly consumer: string;
  readonly attempt: number;
}

/** An entry that changed hands. */
export interface Claim {
  readonly position: number;
  readonly count: number;
  readonly from: string | undefined;
}

/** What one group knows of a log: how far it has read, and its pending list. */
export class ConsumerGroup implements LogReader {
  /** In the order of the log. */
  private pending = new Map<number, Pending>();
  private releasedCount = 0;
  /** How many entries were handed to a consumer and wait until it fetches them. */
  private readonly handed = new Map<string, number>();
  private next = 0;
  /** The last position in the pending list when the group was moved back: until there, reading disorders it. */
  private disorderedUpTo = -1;
  readonly consumers = new Map<string, Seen>();
  /** Id of the entry that was delivered last, or behind which the group was put. */
  lastDeliveredId = '0-0';
  /** On purpose. Consumers keep hold of it, and read on once it is there again. */
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

  /** Whether released entries wait for somebody. */
  get hasReleased(): boolean {
    return this.releasedCount > 0;
  }

  /** Whether some entries were handed over that were not fetched yet. */
  get hasHanded(): boolean {
    return this.handed.size > 0;
  }

  /** Oldest first. */
  get allPending(): ReadonlyMap<number, Pending> {
    return this.pending;
  }

  /** How many entries of the log are behind it, deleted ones included. */
  get position(): number {
    return this.next;
  }

  isPending(position: number): boolean {
    return this.pending.has(position);
  }

  /** Reads on behind this id: `0`, `$`, or any. */
  moveTo(id: string): void {
    const { log } = this;
    this.next = log.positionBehind(id);
    this.lastDeliveredId = id === '$' ? log.lastId : canonicalId(id);
    const last = [...this.pending.keys()].at(-1) ?? -1;
    if (this.next <= last) this.disorderedUpTo = last;
  }

  /** With all that is pending. */
  delete(): void {
    this.deleted = true;
    this.pending.clear();
    this.consumers.clear();
    this.releasedCount = 0;
    this.handed.clear();
  }

  /** Whether it has not settled what stands there. */
  needs(position: number): boolean {
    return position >= this.next || this.isPending(position);
  }

  /** Entries that nobody has read yet. */
  countUnread(): number {
    let count = 0;
    if (this.deleted) return count;
    for (let at = this.next; at < this.log.end; at++) if (this.log.at(at)) count++;
    return count;
  }

  /** Id of the first one that nobody has read yet. */
  firstUnread(): string | undefined {
    for (let at = this.next; at < this.log.end; at++) {
      const entry = this.log.at(at);
      if (entry) return entry.id;
    }
    return undefined;
  }

  /** Released entries that pass the test. */
  countReleased(wanted: (position: number) => boolean): number {
    if (!this.hasReleased) return 0;
    return [...this.pending].filter(
      ([position, { consumer }]) => consumer === undefined && wanted(position),
    ).length;
  }

  /** Entries that wait for this consumer to fetch them, after they were handed to it. */
  countHanded(consumer: string): number {
    return this.handed.get(consumer) ?? 0;
  }

  /** Reads new entries, which charges their first run. Answers their positions. */
  read(consumer: string, limit: number, now: number): number[] {
    const positions: number[] = [];
    if (this.deleted) return positions;
    for (; positions.length < limit && this.next < this.log.end; this.next++) {
      const entry = this.log.at(this.next);
      if (!entry) continue;
      // Pending already where the group was moved back: then counted anew.
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
   * Hands entries that are `wanted` to a consumer, uncharged, oldest first. Those whose data is gone
   * are dropped on the way: nobody can run them.
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
      if (!wanted(position, pending)) continue;
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

  /** The pending record, if it is still this hold's. */
  owned(hold: Hold): Pending | 'lost' | 'gone' {
    const pending = this.pending.get(hold.position);
    if (!pending) return 'gone';
    const same = pending.consumer === hold.consumer && pending.count === hold.attempt;
    return same ? pending : 'lost';
  }

  /** True: the entry's data is gone, and now its pending record is, too. */
  dropIfTrimmed(position: number): boolean {
    if (this.log.at(position)) return false;
    this.remove(position);
    return true;
  }

  /** Takes an entry off the pending list, whoever owns it. */
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

  /** Makes it another consumer's, which fetches it. */
  handOver(pending: Pending, consumer: string, count: number, now: number): void {
    this.handTo(pending, consumer, now);
    pending.count = count;
    pending.handed = true;
    this.handed.set(consumer, this.countHanded(consumer) + 1);
  }

  private handTo(pending: Pending, consumer: string, now: number): void {
    this.countOut(pending);
    pending.consumer = consumer;
    pending.deliveredAt = now;
  }

  /** It is neither released nor handed over any more. */
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
