import type { Lease } from '../../../core/lease.js';
import type { Rebalancing } from '../../../ports/rebalancing.js';
import type { PartitionReading } from './partition-reading.js';

/** Finishes what is in hand of partitions that are to be given up, one call after the other. */
export class Drains {
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly rebalancing: Rebalancing | undefined) {}

  /**
   * Hands out nothing more of these partitions. Resolves when nothing of them is in hand and all is
   * committed, or they have gone.
   */
  drain(leaving: readonly PartitionReading[], flush: () => Promise<void>): Promise<void> {
    for (const reading of leaving) reading.leave();
    const drained = this.last.then(async () => {
      await this.rebalancing?.begins(isOf(leaving));
      await Promise.all(leaving.map(({ state }) => state.idle()));
      await flush();
    });
    this.last = drained
      .then(() => Promise.all(leaving.map(({ gone }) => gone)))
      .then(() => this.rebalancing?.ends());
    return drained;
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
