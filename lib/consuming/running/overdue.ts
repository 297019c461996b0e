import type { Clock, TimerHandle } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { move } from '../../core/delivery-state.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { HandlerTimeoutError } from '../../core/errors/handling.errors.js';
import type { BeginOutcome } from '../../core/lease.js';
import { deadLetter, releaseElsewhere, type Settlement } from '../../core/settlement.js';

/** Wait after the source could not be reached, in milliseconds. */
const ASK_AGAIN = 1000;

/**
 * Hands an entry to another live consumer that handles it. `kept`: there is none now. Undefined:
 * consumers do not know of each other.
 */
export type HandOn = (delivery: Delivery) => Promise<'handed' | 'kept' | 'lost'> | undefined;

export interface OverdueOptions {
  readonly clock: Clock;
  readonly handOn: HandOn;
  /** No other consumer may have the entries: a lease orders the group, or the source holds partitions. */
  readonly exclusive: boolean;
  /** Counts a run. */
  readonly begin: (delivery: Delivery) => Promise<BeginOutcome>;
  readonly start: (delivery: Delivery) => void;
  readonly settle: (delivery: Delivery, settlement: Settlement) => Promise<void>;
}

interface Wait {
  timer: TimerHandle | undefined;
  /** A request about the entry is under way: it does not start meanwhile. */
  busy: boolean;
}

/**
 * Entries whose next run is due while a method of an earlier one still goes on in this process.
 * They never start here before that method has ended.
 *
 * After the backoff such an entry is given to another live consumer. Where consumers do not know of
 * each other, it is offered to those that look for abandoned entries. An entry that comes back
 * waits here for the handler's `timeout` once more, which counts as a run. Then it is given away
 * again, or becomes a dead letter where its runs are used up. A handler whose runs must not overlap
 * keeps its entries until the method has ended.
 */
export class Overdue {
  private readonly waiting = new Map<Delivery, Wait>();

  constructor(private readonly options: OverdueOptions) {}

  /**
   * Call it when the backoff has passed. @returns whether the delivery waits; otherwise it may
   * start
   */
  postpones(delivery: Delivery): boolean {
    if (!delivery.overruns) return false;
    this.await(delivery);
    if (this.mayOverlap(delivery)) void this.handOn(delivery);
    return true;
  }

  /** The entry was read again while the method of `old`, an earlier delivery, goes on. */
  cameBack(delivery: Delivery, old: Delivery): void {
    delivery.handler = old.handler;
    delivery.eventType = old.eventType;
    delivery.overrun = old.overrun;
    this.await(delivery);
    this.giveTime(delivery);
  }

  /** The waiting delivery of an entry that was read again. */
  find({ stream, id }: Delivery): Delivery | undefined {
    for (const delivery of this.waiting.keys()) {
      if (delivery.id === id && delivery.stream === stream) return delivery;
    }
    return undefined;
  }

  has(delivery: Delivery): boolean {
    return this.waiting.has(delivery);
  }

  remove(delivery: Delivery): boolean {
    this.options.clock.clearTimeout(this.waiting.get(delivery)?.timer);
    return this.waiting.delete(delivery);
  }

  /**
   * Removes and returns deliveries that may be released at once. The others wait for their methods.
   */
  take(wanted: (delivery: Delivery) => boolean): Delivery[] {
    return this.takeAll((delivery) => wanted(delivery) && this.mayOverlap(delivery));
  }

  /** Removes and returns all deliveries that pass the test. */
  takeAll(wanted: (delivery: Delivery) => boolean = () => true): Delivery[] {
    const taken = [...this.waiting.keys()].filter(wanted);
    for (const delivery of taken) this.remove(delivery);
    return taken;
  }

  mayOverlap({ handler, lease }: Delivery): boolean {
    return handler!.overlap && !this.options.exclusive && !lease.owned;
  }

  private await(delivery: Delivery): void {
    move(delivery, 'parked');
    this.waiting.set(delivery, { timer: undefined, busy: false });
    void delivery.overrun!.ended.then(() => {
      if (!this.waiting.get(delivery)?.busy) this.startNow(delivery);
    });
  }

  private startNow(delivery: Delivery): void {
    if (this.remove(delivery)) this.options.start(delivery);
  }

  private handOn(delivery: Delivery): Promise<void> {
    const { handOn, settle } = this.options;
    return this.whileBusy(delivery, async () => {
      const outcome = await handOn(delivery);
      // Another consumer has the entry now, or this consumer has ended meanwhile.
      if (!this.waiting.has(delivery)) return;
      // A consumer that handles the event may start later.
      if (outcome === 'kept')
        return this.after(ASK_AGAIN, delivery, () => void this.handOn(delivery));
      // A consumer that takes the entry could not claim its key.
      if (delivery.claim) return;
      delivery.offered = true;
      await settle(delivery, releaseElsewhere);
    });
  }

  private after(ms: number, delivery: Delivery, act: () => void): void {
    const wait = this.waiting.get(delivery);
    if (wait) wait.timer = this.options.clock.setTimeout(act, ms);
  }

  private giveTime(delivery: Delivery, ms = delivery.handler!.timeout): void {
    if (ms === undefined || !this.mayOverlap(delivery)) return;
    this.after(ms, delivery, () => void this.timedOut(delivery));
  }

  /** The method has had its time once more. */
  private async timedOut(delivery: Delivery): Promise<void> {
    const { maxDeliveries, name, timeout } = delivery.handler!;
    await this.whileBusy(delivery, async () => {
      const usedUp = delivery.attempt >= maxDeliveries;
      const counted = usedUp ? 'started' : await this.count(delivery);
      if (!this.waiting.has(delivery)) return;
      // There may be room for the data later.
      if (counted === 'failed' || counted === 'later') return this.giveTime(delivery, ASK_AGAIN);
      if (counted === 'started' && delivery.attempt < maxDeliveries) return this.handOn(delivery);
      this.remove(delivery);
      const error = errorRecord(new HandlerTimeoutError(name, timeout!));
      const outcome: Settlement =
        counted === 'started'
          ? deadLetter('timed-out', error)
          : { kind: 'lost', why: counted === 'lost' ? 'taken' : 'trimmed' };
      void this.options.settle(delivery, outcome);
    });
  }

  /** The wait was a run: it is not taken back when the entry is given away. */
  private async count(delivery: Delivery): Promise<BeginOutcome | 'failed'> {
    delivery.charging = true;
    try {
      const outcome = await this.options.begin(delivery);
      delivery.offered = false;
      delivery.lease.charged = false;
      return outcome;
    } catch {
      return 'failed';
    } finally {
      delivery.charging = false;
    }
  }

  /** Where the method has ended meanwhile, the delivery starts afterwards. */
  private async whileBusy(delivery: Delivery, work: () => Promise<void>): Promise<void> {
    const wait = this.waiting.get(delivery);
    if (!wait) return;
    wait.busy = true;
    await work();
    wait.busy = false;
    if (!delivery.overruns) this.startNow(delivery);
  }
}
