import type { Guard } from '../core/guard.js';

/** What a lease is for: a purpose on a stream, for example reading it for one group. */
export interface LeaseName {
  readonly stream: string;
  /** Leases of one stream with different names are independent. */
  readonly name: string;
}

/** A lease that was acquired. */
export interface OwnedLease extends LeaseName {
  readonly owner: string;
  /**
   * Fencing token, a safe integer: grows with each acquisition, by any owner, also after a lease has
   * expired or was released. It never repeats.
   */
  readonly token: number;
}

/**
 * Optional port: leases, which give one owner the right to do something alone. An owner extends its
 * lease within the `ttl` (in milliseconds, by the server's clock). Otherwise another owner may
 * acquire it, not earlier, and the first owner has lost it. A stalled owner does not notice that. So what only
 * the owner may do is done under its {@link LeaseStore.guard}.
 *
 * Not its job: extending in time, and telling an owner that it has lost its lease.
 */
export interface LeaseStore {
  /**
   * Returns undefined where another owner has the lease. The owner itself acquires it anew with a
   * higher token, and loses the lease that it had: two processes must not use one owner name.
   */
  acquire(lease: LeaseName, owner: string, ttl: number): Promise<OwnedLease | undefined>;
  /**
   * Returns false where the lease was released, or acquired anew since. A lease that has expired
   * and was not acquired goes on.
   */
  extend(lease: OwnedLease, ttl: number): Promise<boolean>;
  /**
   * Afterwards any owner may acquire the lease at once, and its guard does not hold. Returns false
   * where the lease was lost before.
   */
  release(lease: OwnedLease): Promise<boolean>;
  /**
   * The guard holds until the lease is released or acquired anew. It also holds after the lease has
   * expired, until another owner acquires it.
   */
  guard(lease: OwnedLease): Guard;
}
