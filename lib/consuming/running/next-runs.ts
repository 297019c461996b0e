import type { Delivery } from '../../core/delivery.js';
import { move } from '../../core/delivery-state.js';
import type { Dispatcher } from './dispatcher.js';
import type { HeldDeliveries } from './held-deliveries.js';
import { Overdue, type OverdueOptions } from './overdue.js';
import type { Overruns } from './overruns.js';
import { ParkedRetries } from './parked-retries.js';

export interface NextRunsOptions extends Omit<OverdueOptions, 'start'> {
  readonly held: HeldDeliveries;
  readonly dispatcher: Dispatcher;
  readonly overruns: Overruns;
  /** Whether deliveries of the same stream must not start now. */
  readonly isHalted: (delivery: Delivery) => boolean;
  /** Gives the delivery back. */
  readonly letGo: (delivery: Delivery) => void;
}

/** Deliveries that wait for a run: for their delay, or for the method of an earlier run to end. */
export class NextRuns {
  readonly parkedRetries: ParkedRetries;
  /** Deliveries that are due while a method of an earlier run goes on. */
  readonly overdue: Overdue;

  constructor(private readonly options: NextRunsOptions) {
    this.parkedRetries = new ParkedRetries(options.clock, (delivery) => {
      if (!this.overdue.postpones(delivery)) this.rerun(delivery);
    });
    this.overdue = new Overdue({ ...options, start: (delivery) => this.rerun(delivery) });
  }

  /** Runs the entry of this delivery again, after a delay. */
  park(delivery: Delivery, delay: number): void {
    const { held, isHalted, letGo } = this.options;
    // It may have been lost while its wait was being decided.
    if (!move(delivery, 'parked')) return letGo(delivery);
    const next = delivery.next();
    next.lease.fields = undefined;
    next.waitsFrom = this.options.clock.now() + delay;
    held.delete(delivery);
    held.add(next);
    if (isHalted(next)) letGo(next);
    else this.parkedRetries.add(next, delay);
  }

  /** Starts the delivery as soon as a slot is free. */
  start(delivery: Delivery): void {
    const { dispatcher, isHalted, letGo } = this.options;
    if (isHalted(delivery)) return letGo(delivery);
    if (this.waitsForOldRun(delivery)) return;
    dispatcher.add(delivery);
    dispatcher.pump();
  }

  /** @returns whether the delivery waited; it waits no more */
  remove(delivery: Delivery): boolean {
    return this.parkedRetries.remove(delivery) || this.overdue.remove(delivery);
  }

  /**
   * Removes and returns deliveries that may be given back. The others wait here for the methods of
   * their entries.
   */
  take(wanted: (delivery: Delivery) => boolean = () => true): Delivery[] {
    const parked = this.parkedRetries.take(wanted);
    const free = parked.filter(
      (delivery) => !delivery.overruns || this.overdue.mayOverlap(delivery),
    );
    for (const delivery of parked) if (!free.includes(delivery)) this.overdue.postpones(delivery);
    return [...free, ...this.overdue.take(wanted)];
  }

  /**
   * @returns whether a method of this entry still goes on here, so that it waits; otherwise it may
   * start
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

  /** Starts a delivery that has waited long enough, or gives it back where its stream is halted. */
  rerun(delivery: Delivery): void {
    delivery.overrun = undefined;
    move(delivery, 'buffered');
    this.start(delivery);
  }
}
