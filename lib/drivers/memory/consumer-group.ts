import type { EntryLog, LogReader } from './entry-log.js';

/** A delivered entry that nobody has acknowledged. */
export interface Pending {
  /** Undefined once it was released: it is anybody's. */
  consumer: string | undefined;
  /** When its owner last showed that it holds it, ms. */
  deliveredAt: number;
  /** Runs charged. */
  count: number;
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
  // Only reading adds to it, so its order is that of the log.
  private readonly pending = new Map<number, Pending>();
  private releasedCount = 0;

  constructor(
    private readonly log: EntryLog,
    private next: number,
  ) {}

  get floor(): number {
    const [oldest = this.next] = this.pending.keys();
    return oldest;
  }

  /** Whether released entries wait for somebody. */
  get hasReleased(): boolean {
    return this.releasedCount > 0;
  }

  isPending(position: number): boolean {
    return this.pending.has(position);
  }

  /** Entries that nobody has read yet. */
  countUnread(): number {
    let count = 0;
    for (let at = this.next; at < this.log.end; at++) if (this.log.at(at)) count++;
    return count;
  }

  /** Released entries that pass the test. */
  countReleased(wanted: (position: number) => boolean): number {
    if (!this.hasReleased) return 0;
    return [...this.pending].filter(
      ([position, { consumer }]) => consumer === undefined && wanted(position),
    ).length;
  }

  /** Reads new entries, which charges their first run. Answers their positions. */
  read(consumer: string, limit: number, now: number): number[] {
    const positions: number[] = [];
    for (; positions.length < limit && this.next < this.log.end; this.next++) {
      if (!this.log.at(this.next)) continue;
      this.pending.set(this.next, { consumer, deliveredAt: now, count: 1 });
      positions.push(this.next);
    }
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
    if (pending.consumer === undefined) this.releasedCount--;
    this.pending.delete(position);
    this.log.forgetSettled();
  }

  release(pending: Pending, count: number): void {
    pending.consumer = undefined;
    pending.count = count;
    this.releasedCount++;
  }

  private handTo(pending: Pending, consumer: string, now: number): void {
    if (pending.consumer === undefined) this.releasedCount--;
    pending.consumer = consumer;
    pending.deliveredAt = now;
  }
}
