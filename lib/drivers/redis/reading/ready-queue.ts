import type { HeldTable } from '../held-entries/held-table.js';
import type { Leasing } from '../held-entries/leasing.js';
import type { RedisLease } from '../held-entries/redis.lease.js';

/** Most entries taken over at a look while the consumer asks for none. */
const TAKE_WHEN_BUSY = 10;

/** Leases that wait for their consumer to pull them. */
export class ReadyQueue {
  leases: RedisLease[] = [];
  private wanted = 0;
  private lastLimit = 1;
  private resume: (() => void) | undefined;

  constructor(private readonly held: HeldTable) {}

  /** How many more entries are of use. */
  get capacity(): number {
    return (this.wanted || Math.min(this.lastLimit, TAKE_WHEN_BUSY)) - this.leases.length;
  }

  add(lease: RedisLease): void {
    this.held.add(lease);
    this.leases.push(lease);
  }

  /** Puts back a lease that was taken, and is held. */
  putBack(lease: RedisLease): void {
    this.leases.push(lease);
  }

  take(limit: number): RedisLease[] {
    this.lastLimit = limit;
    return this.leases.splice(0, limit);
  }

  /** Removes and returns leases. The caller holds them from then on. */
  takeOut(which: (lease: RedisLease) => boolean): RedisLease[] {
    const taken = this.leases.filter(which);
    if (taken.length > 0) this.leases = this.leases.filter((lease) => !which(lease));
    return taken;
  }

  /** Resolves at the next `wake`, whether or not there are entries. */
  async filled(limit: number): Promise<void> {
    this.lastLimit = this.wanted = limit;
    await new Promise<void>((resolve) => (this.resume = resolve));
    this.wanted = 0;
  }

  wake(): void {
    const { resume } = this;
    this.resume = undefined;
    resume?.();
  }

  /** Keeps waiting leases fresh: their consumer does not do so yet. */
  async refresh(leasing: Leasing): Promise<void> {
    const waiting = [...this.leases];
    if (waiting.length === 0) return;
    const outcomes = await leasing.extend(waiting);
    for (const [index, lease] of waiting.entries()) {
      const at = this.leases.indexOf(lease);
      // It was handed out meanwhile, so its consumer keeps it fresh.
      if (outcomes[index] === 'held' || at < 0) continue;
      this.leases.splice(at, 1);
      this.held.remove(lease);
    }
  }
}
