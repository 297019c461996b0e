import type { NatsLease } from '../leases/nats.lease.js';
import type { DurableReading } from './durable-reading.js';

/** Entries that have come and that the engine has not taken yet. */
export class ReadyEntries {
  /** Entries that other consumers had before: they are older than new ones. */
  private readonly again: NatsLease[] = [];
  private fresh: NatsLease[] = [];
  /** How many of `fresh` were taken. */
  private taken = 0;

  get size(): number {
    return this.again.length + this.fresh.length - this.taken;
  }

  /** A new entry. */
  add(lease: NatsLease): void {
    this.fresh.push(lease);
    readingOf(lease).waiting++;
  }

  /** An entry that was taken over. */
  addAgain(lease: NatsLease): void {
    this.again.push(lease);
    readingOf(lease).waiting++;
  }

  /** Returns `limit` entries at most, in the order in which they came. */
  take(limit: number): NatsLease[] {
    const leases = this.again.splice(0, limit);
    const end = Math.min(this.fresh.length, this.taken + limit - leases.length);
    for (; this.taken < end; this.taken++) leases.push(this.fresh[this.taken]!);
    if (this.taken === this.fresh.length) {
      this.fresh = [];
      this.taken = 0;
    }
    for (const lease of leases) readingOf(lease).waiting--;
    return leases;
  }

  /** Takes all entries that fit, and keeps the others. */
  takeWhere(fits: (lease: NatsLease) => boolean): NatsLease[] {
    const all = this.take(this.size);
    for (const lease of all) {
      if (fits(lease)) continue;
      if (lease.charged) this.add(lease);
      else this.addAgain(lease);
    }
    return all.filter(fits);
  }

  /** All entries, in the order in which they are taken. */
  get all(): NatsLease[] {
    return [...this.again, ...this.fresh.slice(this.taken)];
  }
}

const readingOf = (lease: NatsLease): DurableReading => lease.reading as DurableReading;
