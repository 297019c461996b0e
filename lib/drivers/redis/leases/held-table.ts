import { Chain } from '../../../core/collections/chain.js';
import { compareEntryIds } from '../../../core/entry-id.js';
import { memoryHint } from './memory-hint.js';
import { DEFAULT_READ_BYTES, type HeldBytes } from './read-budget.js';
import type { ReadKey, RedisLease } from './redis.lease.js';

/** The leases of one key. */
class HeldOfKey {
  readonly leases = new Chain<RedisLease>();
  private highest = '';
  /** Made when an id is looked up that may be here. New entries are known not to be here. */
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

  /** @returns whether the item was in this chain */
  remove(lease: RedisLease): boolean {
    if (!this.leases.delete(lease)) return false;
    if (this.byId?.get(lease.entryId) === lease) this.byId.delete(lease.entryId);
    return true;
  }
}

/** The leases of this process: "in flight" means an entry in here, never "pending to our name". */
export class HeldTable implements HeldBytes {
  /** Bytes of all leases that are held with their data. */
  bytes = 0;
  adoptedBytes = 0;
  private readonly byKey = new Map<string, HeldOfKey>();

  /** @param most most bytes that all tables of this process may hold */
  constructor(private readonly most = DEFAULT_READ_BYTES) {}

  add(lease: RedisLease): void {
    const { key } = lease.source;
    let held = this.byKey.get(key);
    if (!held) this.byKey.set(key, (held = new HeldOfKey()));
    held.add(lease);
    this.account(lease, lease.size);
    lease.memoryHint = memoryHint(lease.size, this.most);
  }

  get(source: ReadKey, id: string): RedisLease | undefined {
    return this.byKey.get(source.key)?.get(id);
  }

  /** Removes exactly this lease. A later lease of the same entry stays. */
  remove(lease: RedisLease): void {
    if (this.byKey.get(lease.source.key)?.remove(lease)) this.account(lease, -lease.size);
  }

  /** The data of the lease was fetched, or is held no more. */
  resize(lease: RedisLease, size: number): void {
    // Does not count a lease that was removed meanwhile.
    if (lease.chain) this.account(lease, size - lease.size);
    lease.size = size;
    lease.memoryHint = memoryHint(size, this.most);
  }

  count(source: ReadKey): number {
    return this.byKey.get(source.key)?.leases.size ?? 0;
  }

  /** Entries that were left pending by policy. */
  left(source: ReadKey): RedisLease[] {
    const held = this.byKey.get(source.key);
    return held ? Array.from(held.leases).filter((lease) => lease.left) : [];
  }

  private account({ adopted }: RedisLease, bytes: number): void {
    this.bytes += bytes;
    if (adopted) this.adoptedBytes += bytes;
  }
}
