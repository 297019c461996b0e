import type { Guard } from '../../core/guard.js';
import type { LeaseName, LeaseStore, OwnedLease } from '../../ports/lease-store.js';
import type { MemoryBroker } from './broker/memory.broker.js';

/** How long a token is remembered after its lease was last extended, in milliseconds: a week. */
const REMEMBERED = 7 * 86_400_000;

/** The leases of a broker. */
export class MemoryLeaseStore implements LeaseStore {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async acquire(lease: LeaseName, owner: string, ttl: number): Promise<OwnedLease | undefined> {
    const { marks, clock } = this.broker;
    const { owner: key, fence } = this.keysOf(lease);
    const holder = marks.get(key);
    if (holder !== undefined && holder !== owner) return undefined;
    const token = Math.max(Number(marks.get(fence) ?? 0) + 1, clock.wallTime() * 1000);
    marks.set(fence, String(token), ttl + REMEMBERED);
    marks.set(key, owner, ttl);
    return { stream: lease.stream, name: lease.name, owner, token };
  }

  async extend(lease: OwnedLease, ttl: number): Promise<boolean> {
    if (!this.broker.allows([this.guard(lease)])) return false;
    const { owner, fence } = this.keysOf(lease);
    this.broker.marks.set(owner, lease.owner, ttl);
    this.broker.marks.set(fence, String(lease.token), ttl + REMEMBERED);
    return true;
  }

  async release(lease: OwnedLease): Promise<boolean> {
    if (!this.broker.allows([this.guard(lease)])) return false;
    const { owner, fence } = this.keysOf(lease);
    this.broker.marks.set(fence, String(lease.token + 1), REMEMBERED);
    this.broker.marks.delete(owner);
    return true;
  }

  guard(lease: OwnedLease): Guard {
    return { key: this.keysOf(lease).fence, value: String(lease.token) };
  }

  private keysOf({ stream, name }: LeaseName): { owner: string; fence: string } {
    const key = (kind: string) => JSON.stringify([this.keyPrefix + stream, kind, name]);
    return { owner: key('owner'), fence: key('fence') };
  }
}
