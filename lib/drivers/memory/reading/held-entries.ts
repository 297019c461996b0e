import type { ConsumerGroup } from '../broker/consumer-group.js';
import type { EntryLog } from '../broker/entry-log.js';
import { MemoryLease, type LeaseOrigin } from './memory.lease.js';

/** The entries of a feed that are not handed out again: those under lease, and those left pending. */
export class HeldEntries<Origin extends LeaseOrigin> {
  private readonly leases = new Map<number, MemoryLease<Origin>>();
  /** Entries that stay pending by policy, and are not handed out here again. */
  private readonly left = new Set<number>();

  constructor(
    private readonly origin: Origin,
    private readonly entries: EntryLog,
    private readonly group: ConsumerGroup,
  ) {}

  get all(): MemoryLease<Origin>[] {
    return [...this.leases.values()];
  }

  at(position: number): MemoryLease<Origin> | undefined {
    return this.leases.get(position);
  }

  knows(position: number): boolean {
    return this.leases.has(position) || this.left.has(position);
  }

  hold(position: number, attempt: number, charged: boolean): MemoryLease<Origin> {
    const entry = this.entries.at(position)!;
    const lease = new MemoryLease(this.origin, position, entry, attempt, charged);
    this.leases.set(position, lease);
    return lease;
  }

  forget(lease: MemoryLease<Origin>, left = false): void {
    // An old lease must not remove a newer one of the same entry.
    if (this.leases.get(lease.position) === lease) this.leases.delete(lease.position);
    if (left) this.left.add(lease.position);
  }

  /** Forgets left entries that are not pending any more. */
  forgetLeft(): void {
    for (const position of this.left) {
      if (!this.group.isPending(position)) this.left.delete(position);
    }
  }

  clear(): void {
    this.leases.clear();
  }
}
