import { Chain } from '../../../core/collections/chain.js';
import { compareEntryIds } from '../../entry-ids/entry-id.js';
import { LARGE, memoryHint } from './memory-hint.js';
import { DEFAULT_READ_BYTES, type HeldBytes } from './read-budget.js';
import type { ReadKey, RedisLease } from './redis.lease.js';

/** The leases of one key. */
interface HeldOfKey {
  readonly leases: Chain<RedisLease>;
  highest: string;
  /** Made when an id is looked up that may be here. New entries are known not to be here. */
  byId: Map<string, RedisLease> | undefined;
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
    const { entryId, size, source } = lease;
    let held = this.byKey.get(source.key);
    if (!held) {
      held = { leases: new Chain(), highest: '', byId: undefined };
      this.byKey.set(source.key, held);
    }
    held.leases.add(lease);
    if (compareEntryIds(entryId, held.highest) > 0) {
      held.highest = entryId;
      held.byId = undefined;
    }
    held.byId?.set(entryId, lease);
    this.account(lease, size);
    if (size >= LARGE) lease.memoryHint = memoryHint(size, this.most);
  }

  /** Whether nothing of the key is held that has this id or a higher one. */
  isNew({ key }: ReadKey, id: string): boolean {
    const held = this.byKey.get(key);
    return !held || compareEntryIds(id, held.highest) > 0;
  }

  get(source: ReadKey, id: string): RedisLease | undefined {
    const held = this.byKey.get(source.key);
    if (!held || this.isNew(source, id)) return undefined;
    held.byId ??= new Map(Array.from(held.leases, (lease) => [lease.entryId, lease]));
    return held.byId.get(id);
  }

  /** Removes exactly this lease. A later lease of the same entry stays. */
  remove(lease: RedisLease): void {
    const held = this.byKey.get(lease.source.key);
    if (!held?.leases.delete(lease)) return;
    if (held.byId?.get(lease.entryId) === lease) held.byId.delete(lease.entryId);
    this.account(lease, -lease.size);
  }

  /** The data of the lease was fetched, or is held no more. */
  resize(lease: RedisLease, size: number): void {
    // Does not count a lease that was removed meanwhile.
    if (lease.chain) this.account(lease, size - lease.size);
    lease.size = size;
    lease.memoryHint = size >= LARGE ? memoryHint(size, this.most) : undefined;
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
