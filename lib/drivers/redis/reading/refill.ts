import type { EntrySizes } from '../held-entries/entry-sizes.js';
import type { HeldTable } from '../held-entries/held-table.js';
import type { ByteCapacity } from '../held-entries/read-budget.js';
import type { HandedEntries } from '../live-consumers/handed-entries.js';
import type { Adoption } from './adopt-unknown-entries.js';
import type { NewEntries } from './new-entries.js';
import type { ReadyQueue } from './ready-queue.js';
import type { Reclaimer } from './reclaimer.js';

export interface RefillOptions {
  readonly held: HeldTable;
  readonly sizes: EntrySizes;
  readonly byteCapacity: ByteCapacity;
  readonly readyQueue: ReadyQueue;
  readonly newEntries: NewEntries;
  readonly reclaimer: Reclaimer;
  readonly handed: HandedEntries;
  readonly adoption: Adoption;
}

/** Fetches more of the entries that wait at the server for this consumer, as soon as it has capacity. */
export class Refill {
  constructor(private readonly options: RefillOptions) {}

  /** Number of entries to take over. Nothing comes before entries that are taken over in order. */
  get capacity(): number {
    const { newEntries, byteCapacity, sizes, readyQueue } = this.options;
    if (newEntries.takesOver) return 0;
    const fitting = Math.ceil(byteCapacity.ofAdoption / sizes.largest);
    return Math.min(readyQueue.capacity, fitting);
  }

  /**
   * The subscription holds less data. A pull that waits for new entries would not ask for those that
   * did not fit.
   */
  less(): void {
    const { byteCapacity, readyQueue, held } = this.options;
    byteCapacity.onLess?.();
    if (readyQueue.leases.length > 0) return;
    if (held.adoptedBytes === 0 || byteCapacity.adoptsMore) this.fetchMore();
  }

  /** Fetches more of the entries that are abandoned, handed over, or known to be pending here. */
  fetchMore(): void {
    const { reclaimer, handed, adoption } = this.options;
    // More was abandoned than fitted.
    if (reclaimer.shortOfCapacity && this.capacity > 0) reclaimer.lookNow();
    if (handed.waiting.size > 0) handed.capacityFreed();
    if (adoption.queued.size > 0) adoption.more();
  }
}
