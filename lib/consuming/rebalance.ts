import type { Delivery } from '../core/delivery.js';
import { isLost, isRunning } from '../core/delivery-state.js';
import type { Lease } from '../core/lease.js';
import type { Rebalancing } from '../ports/rebalancing.js';
import type { MessageSource } from '../ports/source.js';
import type { ConsumerWorkings } from './consumer-parts.js';
import type { ConsumerPlan } from './plan/plan.js';

interface RebalanceOptions extends Pick<
  ConsumerWorkings,
  'held' | 'dispatcher' | 'ordering' | 'collectors' | 'settlementHandler' | 'recorder'
> {
  readonly plan: ConsumerPlan;
}

/** What a consumer does while partitions go to other consumers of the group. */
export class Rebalance implements Rebalancing {
  /** Tell which leases are of partitions that go. */
  private readonly leaving = new Set<(lease: Lease) => boolean>();

  constructor(private readonly options: RebalanceOptions) {}

  async begins(leaves: (lease: Lease) => boolean): Promise<void> {
    const { held, dispatcher, ordering, collectors, recorder, plan } = this.options;
    const of = ({ lease }: Delivery): boolean => leaves(lease);
    this.leaving.add(leaves);
    // These were counted as begun, and would wait for others that do not come now.
    collectors?.runNow(of);
    this.letGo([...dispatcher.take(of), ...(ordering?.take(of) ?? [])]);
    await held.untilNone((delivery) => of(delivery) && isUnended(delivery));
    await recorder?.flush(plan.tables.keys());
  }

  lost(isOfLost: (lease: Lease) => boolean): void {
    const { held, dispatcher, ordering, collectors, settlementHandler } = this.options;
    const lost = [...held].filter(({ lease }) => isOfLost(lease));
    for (const delivery of lost) settlementHandler.lose(delivery, 'lost');
    this.letGo([...dispatcher.take(isLost), ...(ordering?.take(isLost) ?? [])]);
    collectors?.letGo(isLost);
  }

  ends(leaves: (lease: Lease) => boolean): void {
    this.leaving.delete(leaves);
  }

  /** Whether a delivery must not start, beside what `isHalted` says. */
  orHalted(isHalted: (delivery: Delivery) => boolean): (delivery: Delivery) => boolean {
    return (delivery) => this.isLeaving(delivery.lease) || isHalted(delivery);
  }

  private isLeaving(lease: Lease): boolean {
    for (const leaves of this.leaving) if (leaves(lease)) return true;
    return false;
  }

  private letGo(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.options.settlementHandler.letGo(delivery);
  }
}

const isUnended = (delivery: Delivery): boolean =>
  isRunning(delivery) || delivery.state === 'settling';

/** Undefined where the source holds each entry by itself. */
export function rebalanceOf(
  { capabilities }: MessageSource,
  options: RebalanceOptions,
): Rebalance | undefined {
  return capabilities.holds === 'partition' ? new Rebalance(options) : undefined;
}
