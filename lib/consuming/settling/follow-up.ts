import type { Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { isLost, move, type DeliveryState } from '../../core/delivery-state.js';
import type { EventBus } from '../../core/event-bus.js';
import type { HandedOver, Lost, SettleOutcome } from '../../core/settlement.js';
import type { MessageSource } from '../../ports/source.js';
import type { Subscription } from '../../ports/subscription.js';
import type { Claims } from '../dedupe/claims.js';
import type { Ordering } from '../ordering/ordering.js';
import type { HeldLease } from '../plan/held-lease.js';
import type { HeldDeliveries } from '../running/held-deliveries.js';
import type { NextRuns } from '../running/next-runs.js';
import { reportSettled } from './report-settled.js';
import type { Reported } from './settling-lane.js';
import type { DroppedKinds } from './strategies/dropped-kinds.js';

export interface FollowUpOptions {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly source: MessageSource;
  readonly subscription: () => Subscription;
  readonly held: HeldDeliveries;
  readonly nextRuns: NextRuns;
  readonly claims: Claims | undefined;
  readonly ordering: Ordering | undefined;
  readonly heldLease?: HeldLease | undefined;
  readonly droppedKinds: DroppedKinds;
}

/** The states to which settlements lead. */
const ENDS = {
  ack: 'acked',
  'dead-letter': 'dead-lettered',
  retry: 'parked',
  release: 'released',
  leave: 'left',
} as const satisfies Record<Reported['kind'], DeliveryState>;

/** What follows once the outcome of a settlement is known. */
export class FollowUp {
  constructor(private readonly options: FollowUpOptions) {}

  /** Call it when the source has answered. */
  readonly settled = (delivery: Delivery, settlement: Reported, outcome: SettleOutcome): void => {
    const { claims, events, clock } = this.options;
    if (outcome === 'lost') this.options.heldLease?.lost();
    if (settlement.kind === 'release' && !settlement.elsewhere) this.options.ordering?.gaveBack();
    if (outcome === 'settled' && settlement.kind === 'retry' && this.parks)
      this.options.nextRuns.park(delivery, settlement.delay);
    else {
      const isOffered =
        outcome === 'settled' && settlement.kind === 'release' && settlement.elsewhere === true;
      const isDone = outcome === 'settled' || outcome === 'moved';
      move(delivery, !isDone ? 'lost' : isOffered ? 'parked' : ENDS[settlement.kind]);
      // The delivery may start here if no other consumer takes it.
      if (isOffered) return this.stillWaits(delivery);
      this.finish(delivery);
    }
    if (delivery.claim) claims?.settled(delivery, settlement, outcome);
    if (outcome !== 'settled' || settlement.kind === 'leave')
      this.options.subscription().forget(delivery.lease, outcome === 'settled');
    if (outcome === 'settled' && settlement.kind === 'dead-letter' && settlement.action === 'drop')
      this.options.droppedKinds.tell(delivery, settlement);
    // Nearly always there is nothing to tell of an acknowledgement.
    if (settlement.kind !== 'ack' || events.listened.has('settled'))
      reportSettled(events, clock, delivery, settlement, outcome);
  };

  /** Another consumer has the entry. The source hears nothing of it. */
  handedOver(delivery: Delivery, settlement: HandedOver): void {
    const { events, clock } = this.options;
    move(delivery, 'handed-over');
    this.forget(delivery);
    reportSettled(events, clock, delivery, settlement, 'settled');
  }

  /**
   * Another run has the entry. The source hears nothing of it.
   * @returns false: it was settled before, and nothing follows
   */
  lost(delivery: Delivery, settlement: Lost): boolean {
    const { held, heldLease, events, clock } = this.options;
    if (!held.has(delivery)) return false;
    const isKnown = isLost(delivery);
    if (!move(delivery, 'lost') && !isKnown) return false;
    if (settlement.why === 'taken' && !isKnown) heldLease?.lost();
    this.forget(delivery);
    reportSettled(events, clock, delivery, settlement, 'lost');
    return true;
  }

  /** A delivery whose stream was halted while it was being offered waits no more: it is given back. */
  private stillWaits(delivery: Delivery): void {
    const { held, nextRuns } = this.options;
    if (held.has(delivery) && !nextRuns.overdue.has(delivery)) nextRuns.rerun(delivery);
  }

  private get parks(): boolean {
    return !this.options.source.capabilities.redelivers;
  }

  private forget(delivery: Delivery): void {
    this.finish(delivery);
    this.options.claims?.dropped(delivery);
    this.options.subscription().forget(delivery.lease);
  }

  /**
   * The consumer no longer holds the entry. The next one of its key may start, once no method of
   * this one runs.
   */
  private finish(delivery: Delivery): void {
    const { held, ordering, nextRuns } = this.options;
    held.delete(delivery);
    if (delivery.overrun) nextRuns.overdue.remove(delivery);
    if (!ordering || delivery.orderKey === undefined) return;
    const startNext = (): void => {
      const next = ordering.after(delivery);
      if (next) nextRuns.start(next);
    };
    if (delivery.overrun && !delivery.overrun.over) void delivery.overrun!.ended.then(startNext);
    else startNext();
  }
}
