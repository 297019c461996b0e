import type { ReadKey, RedisLease } from './redis.lease.js';

/** What this process holds: "in flight" means an entry in here, never "pending to our name". */
export class HeldTable {
  private readonly byKey = new Map<string, Map<string, RedisLease>>();

  add(lease: RedisLease): void {
    const { key } = lease.source;
    let ids = this.byKey.get(key);
    if (!ids) this.byKey.set(key, (ids = new Map()));
    ids.set(lease.entryId, lease);
  }

  get(source: ReadKey, id: string): RedisLease | undefined {
    return this.byKey.get(source.key)?.get(id);
  }

  /** Removes this very lease; a later hold on the same entry stays. */
  remove(lease: RedisLease): void {
    const ids = this.byKey.get(lease.source.key);
    if (ids?.get(lease.entryId) === lease) ids.delete(lease.entryId);
  }

  count(source: ReadKey): number {
    return this.byKey.get(source.key)?.size ?? 0;
  }

  /** Those that were left pending by policy. */
  left(source: ReadKey): RedisLease[] {
    return [...(this.byKey.get(source.key)?.values() ?? [])].filter((lease) => lease.left);
  }
}
