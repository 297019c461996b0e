import { keyOf, type PostgresLease } from './postgres.lease.js';

/** The leases that a subscription holds, and those that it has left pending. */
export class HeldTable {
  private readonly leases = new Map<string, PostgresLease>();
  private readonly left = new Map<string, PostgresLease>();

  add(lease: PostgresLease): void {
    this.leases.set(lease.key, lease);
  }

  get(grp: number, message: string, redrive: string): PostgresLease | undefined {
    return this.leases.get(keyOf(grp, message, redrive));
  }

  /** Whether the entry is not to be handed out here again. */
  isLeft(grp: number, message: string, redrive: string): boolean {
    return this.left.size > 0 && this.left.has(keyOf(grp, message, redrive));
  }

  /** A later lease of the same entry stays. */
  remove(lease: PostgresLease): void {
    const { key } = lease;
    if (this.leases.get(key) === lease) this.leases.delete(key);
    this.left.delete(key);
  }

  /** The entry stays pending to this consumer, and is not handed out here again. */
  leave(lease: PostgresLease): void {
    this.remove(lease);
    this.left.set(lease.key, lease);
  }

  get allLeft(): PostgresLease[] {
    return [...this.left.values()];
  }

  /** All entries that are pending to this consumer and known here. */
  get known(): PostgresLease[] {
    return [...this.leases.values(), ...this.left.values()];
  }

  clear(): void {
    this.leases.clear();
    this.left.clear();
  }
}
