import type { Lease } from '../core/lease.js';

/**
 * What a source that holds partitions tells the engine when partitions go to other consumers of the
 * group. None of the methods throws or rejects.
 */
export interface Rebalancing {
  /**
   * Call it before partitions go. The engine gives back what has not started of them, and lets their
   * runs in hand end. What waits for a retry stays, and is lost with its partition. Resolves when no
   * run of them is left, all is settled and the engine has recorded it. The source waits for that as
   * long as its rebalance allows.
   *
   * From then to `ends` the source hands out nothing of these partitions, and `begin` returns `later`
   * for their leases. Settlements are carried out until the partition has gone. Other partitions may go
   * meanwhile: each call has its own `ends`.
   * @param leaves whether this lease is of such a partition
   */
  begins(leaves: (lease: Lease) => boolean): Promise<void>;

  /**
   * Call it where partitions have gone, at any time, also without `begins`: the signals of their runs
   * abort, and nothing of them starts. `settle` returns `lost` for these leases.
   * @param isLost whether this lease is of such a partition
   */
  lost(isLost: (lease: Lease) => boolean): void;

  /**
   * Call it after `begins`, once the partitions have gone, or stay.
   * @param leaves the function that `begins` was called with
   */
  ends(leaves: (lease: Lease) => boolean): void;
}
