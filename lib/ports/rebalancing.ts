import type { Lease } from '../core/lease.js';

/**
 * What a source that holds partitions tells the engine while the partitions of a group are distributed
 * anew. None of the methods throws or rejects.
 *
 * From `begins` to `ends` the source hands out nothing: `pull` waits, and `begin` returns `later`.
 * Settlements are carried out meanwhile, until a partition has gone.
 */
export interface Rebalancing {
  /**
   * Call it before partitions may go to other consumers. The engine gives back what has not started,
   * and lets the runs in hand end. What waits for a retry stays: its lease is lost, or goes on, with
   * its partition. Resolves when no run is left, all is settled and the engine has recorded it. The
   * source waits for that as long as its rebalance allows. May be called again before `ends`.
   */
  begins(): Promise<void>;

  /**
   * Call it where partitions have gone, at any time, also without `begins`: the signals of their runs
   * abort, and nothing of them starts. `settle` returns `lost` for these leases.
   * @param isLost whether this lease is of such a partition
   */
  lost(isLost: (lease: Lease) => boolean): void;

  /** Call it before the source hands out entries again, after `lost`. */
  ends(): void;
}
