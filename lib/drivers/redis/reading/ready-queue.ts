import type { HeldTable } from '../leases/held-table.js';
import type { Leasing } from '../leases/leasing.js';
import type { RedisLease } from '../leases/redis.lease.js';

/** Entries taken over at a look while the consumer asks for none. */
const TAKE_WHEN_BUSY = 10;

/** What is held and waits for its consumer to pull it. */
export class ReadyQueue {
  private leases: RedisLease[] = [];
  private wanted = 0;
  private lastLimit = 1;
  private resume: (() => void) | undefined;

  constructor(private readonly held: HeldTable) {}

  get isEmpty(): boolean {
    return this.leases.length === 0;
  }

  /** How many entries more are of use. */
  get room(): number {
    return (this.wanted || Math.min(this.lastLimit, TAKE_WHEN_BUSY)) - this.leases.length;
  }

  add(lease: RedisLease): void {
    this.held.add(lease);
    this.leases.push(lease);
  }

  /** It was taken, and is held. */
  putBack(lease: RedisLease): void {
    this.leases.push(lease);
  }

  take(limit: number): RedisLease[] {
    this.lastLimit = limit;
    return this.leases.splice(0, limit);
  }

  /** Those are held by whoever takes them out. */
  takeOut(which: (lease: RedisLease) => boolean): RedisLease[] {
    const taken = this.leases.filter(which);
    if (taken.length > 0) this.leases = this.leases.filter((lease) => !which(lease));
    return taken;
  }

  /** Until the next `wake`, whether or not there is something. */
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

  /** Waiting here, they are not kept fresh by their consumer. */
  async refresh(leasing: Leasing): Promise<void> {
    const waiting = [...this.leases];
    if (waiting.length === 0) return;
    const outcomes = await leasing.extend(waiting);
    for (const [index, lease] of waiting.entries()) {
      const at = this.leases.indexOf(lease);
      // Handed out meanwhile, it is its consumer's to keep.
      if (outcomes[index] === 'held' || at < 0) continue;
      this.leases.splice(at, 1);
      this.held.remove(lease);
    }
  }
}
