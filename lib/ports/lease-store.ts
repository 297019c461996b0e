import type { Guard } from '../core/guard.js';

/** What is to be owned: something about a stream, for example its reading by one group. */
export interface LeaseName {
  readonly stream: string;
  /** Leases of one stream with other names know nothing of each other. */
  readonly name: string;
}

/** A lease that was acquired. */
export interface OwnedLease extends LeaseName {
  readonly owner: string;
  /** Fencing token: grows with each acquisition, whoever acquires, also after a lease has expired. */
  readonly token: number;
}

/**
 * Optional port: who may do something alone, for a while. A lease that is not extended within its
 * `ttl` (ms, by the server's clock) may be acquired by somebody else; one that was acquired since
 * is lost. An owner that was stalled does not notice: what must be done by the owner alone is done
 * under its {@link LeaseStore.guard}.
 *
 * Not its job: extending in time, telling an owner that it has lost.
 */
export interface LeaseStore {
  /**
   * Undefined: somebody else has it. The owner itself acquires anew, with a higher token, and loses
   * what it had: two processes must not use one name.
   */
  acquire(lease: LeaseName, owner: string, ttl: number): Promise<OwnedLease | undefined>;
  /** False: it was released or somebody has acquired it since. An expired one that nobody wanted goes on. */
  extend(lease: OwnedLease, ttl: number): Promise<boolean>;
  /** Afterwards anybody may acquire it at once, and its guard does not hold. False: it was lost before. */
  release(lease: OwnedLease): Promise<boolean>;
  /** Holds until the lease is released or acquired anew: also while it has expired and nobody wants it. */
  guard(lease: OwnedLease): Guard;
}
