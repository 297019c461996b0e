import type { Lease } from '../../../core/lease.js';
import type { Rebalancing } from '../../../ports/rebalancing.js';
import type { PartitionReading } from './partition-reading.js';

/** Finishes what is in hand of partitions that are to be given up. */
export class Drains {
  /** @param giveBack gives back those leases that were taken and did not reach the engine yet */
  constructor(
    private readonly rebalancing: Rebalancing | undefined,
    private readonly giveBack: (isOf: (lease: Lease) => boolean) => void,
  ) {}

  /**
   * Hands out nothing more of these partitions. Resolves when nothing of them is in hand and all is
   * committed, or they have gone.
   */
  async drain(leaving: readonly PartitionReading[], flush: () => Promise<void>): Promise<void> {
    for (const reading of leaving) reading.leave();
    const leaves = isOf(leaving);
    this.giveBack(leaves);
    void Promise.all(leaving.map(({ gone }) => gone)).then(() => this.rebalancing?.ends(leaves));
    await this.rebalancing?.begins(leaves);
    await Promise.all(leaving.map(({ state }) => state.idle()));
    await flush();
  }

  /** These partitions have gone. */
  lost(gone: readonly PartitionReading[]): void {
    if (gone.length > 0) this.rebalancing?.lost(isOf(gone));
    for (const reading of gone) reading.end();
  }
}

const isOf = (readings: readonly PartitionReading[]): ((lease: Lease) => boolean) => {
  const lanes = new Set<unknown>(readings.map(({ state }) => state));
  return ({ lane }) => lanes.has(lane);
};
