import type { Leases } from '../leases/leases.js';
import type { NatsLease } from '../leases/nats.lease.js';
import type { DurableReading } from './durable-reading.js';
import { ReadyEntries } from './ready-entries.js';
import { systemClock } from '../../../core/clock.js';

export interface EntryBufferOptions {
  readonly leases: Leases;
  /** Hands entries to other consumers that the engine has not had, and counts no run. */
  readonly releaseUnrun: (leases: readonly NatsLease[]) => Promise<void>;
  /** Called with a lease that is not held here any more. */
  readonly onLeft: (lease: NatsLease) => void;
}

/** Entries that wait here until the engine takes them. They are kept from other consumers meanwhile. */
export class EntryBuffer {
  private readonly ready = new ReadyEntries();

  constructor(private readonly options: EntryBufferOptions) {}

  /** A new entry. */
  add(lease: NatsLease): void {
    this.ready.add(lease);
  }

  /** An entry that was taken over. */
  addAgain(lease: NatsLease): void {
    this.ready.addAgain(lease);
  }

  /**
   * Returns `limit` entries at most. Those that waited here through an outage are taken only where no
   * other consumer has them.
   */
  take(limit: number): NatsLease[] | Promise<NatsLease[]> {
    const { leases } = this.options;
    const taken = this.ready.take(limit);
    const now = systemClock.now();
    for (const lease of taken) if (!leases.isFresh(lease, now)) return this.takeHeld(taken);
    return taken;
  }

  /** Hands entries that wait here to other consumers, and counts no run for them. */
  async giveBack(fits: (lease: NatsLease) => boolean): Promise<void> {
    const leases = this.ready.takeWhere(fits);
    if (leases.length === 0) return;
    for (const lease of leases) this.options.onLeft(lease);
    await this.options.releaseUnrun(leases);
  }

  /** Keeps those fresh that would not be soon. */
  async keepFresh(readings: Iterable<DurableReading>): Promise<void> {
    const now = systemClock.now();
    const { all } = this.ready;
    const kept: Promise<unknown>[] = [];
    for (const reading of readings) {
      const due = all.filter(
        (lease) => lease.reading === reading && lease.freshUntil - now < reading.ackWait / 2,
      );
      if (due.length > 0) kept.push(this.options.leases.keepFresh(reading, due));
    }
    await Promise.all(kept);
  }

  private async takeHeld(taken: readonly NatsLease[]): Promise<NatsLease[]> {
    const { leases, onLeft } = this.options;
    const owners = await leases.hold(taken);
    for (const [at, lease] of taken.entries()) if (owners[at] !== 'held') onLeft(lease);
    return taken.filter((_, at) => owners[at] === 'held');
  }
}
