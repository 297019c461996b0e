import type { Delivery } from '../../core/delivery.js';
import { SettlingLane, type Reported, type SettlerOptions } from './settling-lane.js';

export type { Reported, SettlerOptions } from './settling-lane.js';

/** Brings settlements to the source, lane by lane: a part of it that is away holds up no other. */
export class Settler {
  private readonly lanes = new Map<unknown, SettlingLane>();

  constructor(private readonly options: SettlerOptions) {}

  /** Settlements whose outcome is not known yet. */
  get pending(): number {
    let pending = 0;
    for (const lane of this.lanes.values()) pending += lane.pending;
    return pending;
  }

  add(delivery: Delivery, settlement: Reported, onConcluded?: () => void): void {
    const name = delivery.lease.lane;
    let lane = this.lanes.get(name);
    if (!lane) this.lanes.set(name, (lane = new SettlingLane(this.options)));
    lane.add(delivery, settlement, onConcluded);
  }

  /** Resolves when everything added so far, and while waiting, is settled. */
  async idle(): Promise<void> {
    await Promise.all([...this.lanes.values()].map((lane) => lane.idle()));
  }

  /** Gives up on what could not be settled: the source will hand it to somebody else. */
  abandon(): void {
    for (const lane of this.lanes.values()) lane.abandon();
  }
}
