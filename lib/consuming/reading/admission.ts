import { Delivery } from '../../core/delivery.js';
import { isLost } from '../../core/delivery-state.js';
import { errorRecord } from '../../core/errors/error-record.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Lease } from '../../core/lease.js';
import { deadLetter } from '../../core/settlement.js';
import type { SettlementHandler } from '../settling/settlement-handler.js';
import type { Clock } from '../../core/clock.js';
import type { ConsumerPlan } from '../plan/plan.js';
import type { Dispatcher } from '../running/dispatcher.js';
import type { HeldDeliveries } from '../running/held-deliveries.js';
import type { Overruns } from '../running/overruns.js';
import type { UnhandledInOrder } from '../live-consumers/unhandled-in-order.js';
import type { Ordering } from '../ordering/ordering.js';

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly plan: ConsumerPlan;
  readonly consumer: string;
  readonly held: HeldDeliveries;
  readonly dispatcher: Dispatcher;
  readonly settlementHandler: SettlementHandler;
  readonly overruns: Overruns;
  readonly ordering: Ordering | undefined;
  /** Set for an ordered stream, where consumers know of each other. */
  readonly unhandledInOrder: () => UnhandledInOrder | undefined;
  /** Whether deliveries of the same stream must not start now. */
  readonly isHalted: (delivery: Delivery) => boolean;
}

/** Makes deliveries of the entries that were read, and decides which of them may start. */
export class Admission {
  constructor(private readonly options: AdmissionOptions) {}

  /** Where this returns a promise, nothing more is read before it resolves. */
  readonly accept = (leases: readonly Lease[]): Promise<void> | undefined => {
    const now = this.options.clock.now();
    const deliveries: Delivery[] = [];
    for (const lease of leases) deliveries.push(this.hold(lease, now));
    if (this.options.events.listened.has('delivered')) this.tell(leases);
    const unhandledInOrder = this.options.unhandledInOrder();
    if (unhandledInOrder) return this.admitInTurn(deliveries, unhandledInOrder);
    for (const delivery of deliveries) this.admit(delivery);
    this.options.dispatcher.pump();
    return undefined;
  };

  private hold(lease: Lease, now: number): Delivery {
    const { plan, consumer, held } = this.options;
    const delivery = new Delivery(lease, plan.group, consumer);
    delivery.freshAt = now;
    // Of a later run, or a redriven message, the time of publication does not tell the wait.
    const { attempt, charged, moved, redriven } = lease;
    if (attempt > (charged ? 1 : 0) || moved || redriven) delivery.waitsFrom = now;
    held.add(delivery);
    delivery.suspect = !lease.charged && mayKill(lease);
    return delivery;
  }

  private tell(leases: readonly Lease[]): void {
    const { events, plan, consumer } = this.options;
    for (const { stream, id, attempt, publishedAt } of leases)
      events.emit('delivered', { stream, group: plan.group, id, consumer, attempt, publishedAt });
  }

  private admit(delivery: Delivery): void {
    const { isHalted, settlementHandler, ordering, dispatcher, overruns } = this.options;
    // The pull was under way when the stream was paused.
    if (isHalted(delivery) || ordering?.isGivingBack) return settlementHandler.letGo(delivery);
    if (ordering && !this.isNext(delivery, ordering)) return;
    const mayOverrun = overruns.byEntry.size > 0;
    if (!mayOverrun || !settlementHandler.nextRuns.waitsForOldRun(delivery))
      dispatcher.add(delivery);
  }

  /** No later entry overtakes an event that another consumer may have to handle. */
  private async admitInTurn(
    deliveries: readonly Delivery[],
    unhandledInOrder: UnhandledInOrder,
  ): Promise<void> {
    const { isHalted, settlementHandler, ordering, dispatcher } = this.options;
    for (const delivery of deliveries) {
      if (isLost(delivery) || isHalted(delivery)) settlementHandler.letGo(delivery);
      else if (ordering!.handles(delivery)) this.admit(delivery);
      else {
        dispatcher.pump();
        await unhandledInOrder.conclude(delivery);
      }
    }
    dispatcher.pump();
  }

  private isNext(delivery: Delivery, ordering: Ordering): boolean {
    try {
      return ordering.admits(delivery);
    } catch (error) {
      // Without a key the message can be in no order, in this run or any other.
      const { settlementHandler } = this.options;
      settlementHandler.settle(delivery, deadLetter('unrecoverable', errorRecord(error)));
      return false;
    }
  }
}

/**
 * Whether earlier runs of the entry never ended. A first run is counted by the read, and may not have
 * begun.
 */
const mayKill = ({ attempt, moved }: Lease): boolean => attempt > (moved?.runs ?? 1);
