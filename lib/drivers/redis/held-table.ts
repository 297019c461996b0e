import { Chain } from '../../core/chain.js';
import { compareEntryIds } from '../../core/entry-id.js';
import type { ReadKey, RedisLease } from './redis.lease.js';

/** What is held of one key. */
class HeldOfKey {
  readonly leases = new Chain<RedisLease>();
  private highest = '';
  /** Made when an id is asked for that may be here. New entries are known to be none of these. */
  private byId: Map<string, RedisLease> | undefined;

  add(lease: RedisLease): void {
    this.leases.add(lease);
    if (compareEntryIds(lease.entryId, this.highest) > 0) {
      this.highest = lease.entryId;
      this.byId = undefined;
    }
    this.byId?.set(lease.entryId, lease);
  }

  get(id: string): RedisLease | undefined {
    if (compareEntryIds(id, this.highest) > 0) return undefined;
    this.byId ??= new Map(Array.from(this.leases, (lease) => [lease.entryId, lease]));
    return this.byId.get(id);
  }

  remove(lease: RedisLease): void {
    if (!this.leases.delete(lease)) return;
    if (this.byId?.get(lease.entryId) === lease) this.byId.delete(lease.entryId);
  }
}

/** What this process holds: "in flight" means an entry in here, never "pending to our name". */
export class HeldTable {
  private readonly byKey = new Map<string, HeldOfKey>();

  add(lease: RedisLease): void {
    const { key } = lease.source;
    let held = this.byKey.get(key);
    if (!held) this.byKey.set(key, (held = new HeldOfKey()));
    held.add(lease);
  }

  get(source: ReadKey, id: string): RedisLease | undefined {
    return this.byKey.get(source.key)?.get(id);
  }

  /** Removes this very lease; a later hold on the same entry stays. */
  remove(lease: RedisLease): void {
    this.byKey.get(lease.source.key)?.remove(lease);
  }

  count(source: ReadKey): number {
    return this.byKey.get(source.key)?.leases.size ?? 0;
  }

  /** Those that were left pending by policy. */
  left(source: ReadKey): RedisLease[] {
    const held = this.byKey.get(source.key);
    return held ? Array.from(held.leases).filter((lease) => lease.left) : [];
  }
}
