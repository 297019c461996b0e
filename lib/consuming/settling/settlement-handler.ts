import type { Delivery } from '../../core/delivery.js';
import { OwnershipLostError } from '../../core/errors/handling.errors.js';
import type { ExtendOutcome, Hold, Lease } from '../../core/lease.js';
import {
  postpone,
  release,
  type HandedOver,
  type Leave,
  type Lost,
  type Settlement,
  type SettleOutcome,
} from '../../core/settlement.js';
import type { Subscription } from '../../ports/source.js';
import type { Claims } from '../dedupe/claims.js';
import type { ConsumerOptions } from '../consumer-options.js';
import type { Dispatcher } from '../running/dispatcher.js';
import type { HeldDeliveries } from '../running/held-deliveries.js';
import type { Ordering } from '../ordering/ordering.js';
import { Overdue, type HandOn } from '../running/overdue.js';
import { ParkedRetries } from '../running/parked-retries.js';
import { reportSettled } from './report-settled.js';
import { settleWith } from './store-elsewhere.js';
import { Settler, type Reported } from './settler.js';

export const taken: Lost = { kind: 'lost', why: 'taken' };
const trimmed: Lost = { kind: 'lost', why: 'trimmed' };

export interface SettlementHandlerOptions extends ConsumerOptions {
  readonly held: HeldDeliveries;
  readonly dispatcher: Dispatcher;
  readonly claims: Claims | undefined;
  readonly ordering: Ordering | undefined;
  /** Nothing of its stream starts. */
  readonly isHalted: (delivery: Delivery) => boolean;
  /** Told of what no handler here takes. */
  readonly onUnhandled: (delivery: Delivery) => void;
  readonly handOn: HandOn;
  /** Told when something has ended, so that there may be room. */
  readonly onProgress: () => void;
}

/** What becomes of deliveries: settles them, and does what follows, up to their next run. */
export class SettlementHandler {
  readonly parkedRetries: ParkedRetries;
  /** Due while a method of an earlier run goes on. */
  readonly overdue: Overdue;
  readonly settler: Settler;
  private subscription!: Subscription;

  constructor(private readonly options: SettlementHandlerOptions) {
    this.parkedRetries = new ParkedRetries(options.clock, (delivery) => this.unpark(delivery));
    const { clock, handOn, heldLease } = options;
    this.overdue = new Overdue({
      clock,
      handOn,
      exclusive: heldLease !== undefined,
      begin: (delivery) => this.subscription.begin(delivery.lease),
      start: (delivery) => this.rerun(delivery),
      settle: (delivery, settlement) => this.settleFirst(delivery, settlement),
    });
    this.settler = new Settler({
      ...options,
      settle: settleWith(options, (leases) => this.holds(leases)),
      onSettled: (delivery, settlement, outcome) => this.settled(delivery, settlement, outcome),
    });
  }

  /** Whose deliveries they are. Before there is any. */
  of(subscription: Subscription): void {
    this.subscription = subscription;
  }

  settle(delivery: Delivery, settlement: Settlement, onConcluded?: () => void): void {
    if (settlement.kind === 'lost') return this.drop(delivery, settlement);
    if (settlement.kind === 'unhandled') return this.options.onUnhandled(delivery);
    if (settlement.kind === 'handed-over') return this.handedOver(delivery, settlement);
    if (isLeftUnrun(delivery, settlement)) return this.settled(delivery, settlement, 'settled');
    if (settlement.kind === 'ack') delivery.forgetContent();
    this.settler.add(delivery, settlement, onConcluded);
  }

  /** Resolves when the outcome is known. */
  settleFirst(delivery: Delivery, settlement: Settlement): Promise<void> {
    return new Promise((resolve) => {
      this.settle(delivery, settlement, resolve);
      const { kind } = settlement;
      if (kind === 'lost' || kind === 'unhandled' || isLeftUnrun(delivery, settlement)) resolve();
    });
  }

  /** Waits, uncounted, and is looked at again. */
  postpone(delivery: Delivery, delay: number): void {
    // What is counted is taken back by the source. What is not waits here.
    if (delivery.lease.charged) return this.settle(delivery, postpone(delay));
    this.park(delivery, delay);
    this.options.onProgress();
  }

  /** Gives it back. */
  letGo(delivery: Delivery): void {
    this.settle(delivery, delivery.lost ? taken : release);
  }

  /** The heartbeat found that the entry is not ours any more. */
  lose(delivery: Delivery, outcome: Exclude<ExtendOutcome, 'held'>): void {
    // Without its data nobody else can run it: what runs here may finish and publish its next step.
    if (outcome !== 'lost' && delivery.running) return;
    disown(delivery);
    if (outcome === 'lost') this.options.heldLease?.lost();
    if (!this.unwait(delivery)) return;
    // What waited for another consumer, and is gone, has reached one: the answer was lost on its way.
    const isTaken = outcome === 'lost' || (outcome === 'gone' && delivery.unhandled !== undefined);
    this.drop(delivery, isTaken ? taken : trimmed);
  }

  /** Somebody has acknowledged it: it need not run, unless it runs already. */
  acknowledged(delivery: Delivery): void {
    if (delivery.running) return;
    delivery.lost = true;
    if (this.unwait(delivery)) this.drop(delivery, taken);
  }

  /** What waits for its next run, and may be given back. Other methods' entries wait for these to end. */
  takeWaiting(wanted: (delivery: Delivery) => boolean = () => true): Delivery[] {
    const parked = this.parkedRetries.take(wanted);
    const free = parked.filter(
      (delivery) => !delivery.overruns || this.overdue.mayOverlap(delivery),
    );
    for (const delivery of parked) if (!free.includes(delivery)) this.overdue.postpones(delivery);
    return [...free, ...this.overdue.take(wanted)];
  }

  /**
   * @returns whether a method of this entry still goes on here, so that it waits; else it may start
   */
  waitsForOldRun(delivery: Delivery): boolean {
    const old = this.options.overruns.find(delivery);
    if (!old) return false;
    const before = this.overdue.find(delivery);
    if (before) {
      this.overdue.remove(before);
      this.options.held.delete(before);
    }
    this.overdue.cameBack(delivery, old);
    return true;
  }

  private unwait(delivery: Delivery): boolean {
    return this.parkedRetries.remove(delivery) || this.overdue.remove(delivery);
  }

  private handedOver(delivery: Delivery, settlement: HandedOver): void {
    this.finish(delivery);
    this.options.claims?.dropped(delivery);
    this.subscription.forget(delivery.lease);
    this.report(delivery, settlement, 'settled');
    this.options.onProgress();
  }

  private settled(delivery: Delivery, settlement: Reported, outcome: SettleOutcome): void {
    const { claims, source, heldLease } = this.options;
    const parks =
      settlement.kind === 'retry' && outcome === 'settled' && !source.capabilities.redelivers;
    const offers =
      settlement.kind === 'release' && settlement.elsewhere === true && outcome === 'settled';
    if (outcome === 'lost') heldLease?.lost();
    if (offers) return;
    if (parks) this.park(delivery, settlement.delay);
    else this.finish(delivery);
    claims?.settled(delivery, settlement, outcome);
    if (outcome !== 'settled') this.subscription.forget(delivery.lease);
    else if (settlement.kind === 'leave') this.subscription.forget(delivery.lease, true);
    this.report(delivery, settlement, outcome);
    this.options.onProgress();
  }

  private park(delivery: Delivery, delay: number): void {
    const { held, isHalted } = this.options;
    const next = delivery.next();
    next.lease.fields = undefined;
    held.delete(delivery);
    held.add(next);
    if (isHalted(next)) this.settle(next, release);
    else this.parkedRetries.add(next, delay);
  }

  private unpark(delivery: Delivery): void {
    if (!this.overdue.postpones(delivery)) this.rerun(delivery);
  }

  private rerun(delivery: Delivery): void {
    delivery.overrun = undefined;
    this.start(delivery);
  }

  private start(delivery: Delivery): void {
    const { dispatcher, isHalted } = this.options;
    if (isHalted(delivery)) return this.letGo(delivery);
    if (this.waitsForOldRun(delivery)) return;
    dispatcher.add(delivery);
    dispatcher.pump();
  }

  private drop(delivery: Delivery, settlement: Lost): void {
    const { claims, held, heldLease } = this.options;
    if (!held.has(delivery)) return;
    // Just found out. What was known to be lost has been told of.
    if (settlement.why === 'taken' && !delivery.lost) heldLease?.lost();
    this.finish(delivery);
    claims?.dropped(delivery);
    this.subscription.forget(delivery.lease);
    this.report(delivery, settlement, 'lost');
    this.options.onProgress();
  }

  /** It is ours no more. The next one of its key may start, once no method of this one runs. */
  private finish(delivery: Delivery): void {
    const { held, ordering } = this.options;
    held.delete(delivery);
    this.overdue.remove(delivery);
    if (!ordering || delivery.orderKey === undefined) return;
    const { overrun } = delivery;
    if (overrun && !overrun.over) void overrun.ended.then(() => this.startNext(delivery, ordering));
    else this.startNext(delivery, ordering);
  }

  private startNext(delivery: Delivery, ordering: Ordering): void {
    const next = ordering.after(delivery);
    if (next) this.start(next);
  }

  private async holds(leases: readonly Lease[]): Promise<Map<Lease, Hold>> {
    const outcomes = await this.subscription.extend(leases);
    return new Map(leases.map((lease, at) => [lease, holdOf(lease, outcomes[at]!)]));
  }

  private report(delivery: Delivery, settlement: Settlement, outcome: SettleOutcome): void {
    reportSettled(this.options.events, this.options.clock, delivery, settlement, outcome);
  }
}

/** It is somebody else's now: it does not start, and is not settled. */
export function disown(delivery: Delivery): void {
  delivery.lost = true;
  delivery.abort(new OwnershipLostError(delivery.stream, delivery.id));
}

/** Without its data nobody else can run it, though it is not pending any more. */
function holdOf({ trimmed }: Lease, outcome: ExtendOutcome): Hold {
  if (outcome === 'trimmed') return 'held';
  return outcome === 'gone' && trimmed ? 'held' : outcome;
}

/** By the policy for events that no handler takes. Nothing was counted for it that had to be taken back. */
function isLeftUnrun(delivery: Delivery, settlement: Settlement): settlement is Leave {
  return settlement.kind === 'leave' && !(delivery.handler && delivery.lease.charged);
}
