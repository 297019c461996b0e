import type { Clock, TimerHandle } from '../../core/clock.js';
import type { BatchedDelivery, BoundHandler, Delivery } from '../../core/delivery.js';
import { isOurs } from '../../core/delivery-state.js';
import { HandlerTimeoutError } from '../../core/errors/handling.errors.js';
import type { Instrumentation } from '../../core/instrumentation.js';
import { marked } from '../running/run-mark.js';
import { Overrun, type OverrunReason } from '../../core/overrun.js';
import { ack, release, type Settlement } from '../../core/settlement.js';
import type { Overruns } from '../running/overruns.js';
import type { Slots } from '../plan/slots.js';

export interface CollectorOptions {
  readonly handler: BoundHandler;
  readonly clock: Clock;
  /** Batches of this handler that run at a time. */
  readonly own: Slots;
  /** Methods of the transport that run at a time. */
  readonly shared: Slots;
  readonly overruns: Overruns;
  /** Undefined: batches are not instrumented. */
  readonly instrumentation?: Instrumentation | undefined;
}

interface Waiting extends BatchedDelivery {
  /** Engine time at which the delivery came, in milliseconds. */
  readonly since: number;
  readonly resolve: (settlement: Settlement) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects deliveries of one handler, stream and group, and runs them together. */
export class Collector {
  private waiting: Waiting[] = [];
  private timer: TimerHandle | undefined;
  private due = false;
  /** All that waits is due, also where it fills no batch. */
  private all = false;
  private starting = false;
  private stopped = false;

  constructor(private readonly options: CollectorOptions) {}

  /** Resolves with the settlement of this delivery, once its batch has run. */
  readonly add = (delivery: Delivery): Promise<Settlement> => {
    if (this.stopped) return Promise.resolve(release);
    return new Promise((resolve, reject) => {
      const since = this.options.clock.now();
      const open = { asked: undefined, failed: undefined };
      const item: Waiting = { delivery, since, ...open, resolve, reject };
      // A delivery that may kill the process runs alone.
      if (delivery.suspect) return void this.runAlone(item);
      this.waiting.push(item);
      if (this.waiting.length === 1) this.arm();
      if (this.waiting.length >= this.batch.size) this.becomeDue();
    });
  };

  /** Releases deliveries that were collected and have not started. */
  stop(): void {
    this.stopped = true;
    this.letGo(() => true);
  }

  /** Runs what was collected, without waiting for more, where a delivery passes the test. */
  runNow(wanted: (delivery: Delivery) => boolean): void {
    if (!this.waiting.some(({ delivery }) => wanted(delivery))) return;
    this.all = true;
    this.becomeDue();
  }

  letGo(wanted: (delivery: Delivery) => boolean): void {
    const going = this.waiting.filter(({ delivery }) => wanted(delivery));
    this.waiting = this.waiting.filter((item) => !going.includes(item));
    if (this.waiting.length === 0) this.disarm();
    for (const item of going) item.resolve(release);
  }

  private get batch() {
    return this.options.handler.batch!;
  }

  private arm(): void {
    this.disarm();
    const { clock } = this.options;
    const { maxWait } = this.batch;
    const waited = clock.now() - this.waiting[0]!.since;
    this.timer = clock.setTimeout(() => this.becomeDue(), Math.max(0, maxWait - waited));
  }

  private disarm(): void {
    if (this.timer !== undefined) this.options.clock.clearTimeout(this.timer);
    this.timer = undefined;
  }

  private becomeDue(): void {
    this.due = true;
    if (!this.starting) void this.start();
  }

  /** More deliveries may come while the batch waits for its slots. */
  private async start(): Promise<void> {
    this.starting = true;
    while (this.due && this.waiting.length > 0) {
      await this.takeSlots();
      const items = this.waiting.splice(0, this.batch.size);
      this.due = this.waiting.length >= (this.all ? 1 : this.batch.size);
      // Deliveries that came meanwhile have waited, too.
      if (this.waiting.length > 0) this.arm();
      else this.disarm();
      void this.run(items);
    }
    this.due = this.all = false;
    this.starting = false;
  }

  private async runAlone(item: Waiting): Promise<void> {
    await this.takeSlots();
    await this.run(this.stopped ? [] : [item]);
    if (this.stopped) item.resolve(release);
  }

  private async takeSlots(): Promise<void> {
    await this.options.own.take();
    await this.options.shared.take();
  }

  private async run(collected: readonly Waiting[]): Promise<void> {
    const items = collected.filter((item) => this.isStillOurs(item));
    let running: Promise<void> | undefined;
    if (items.length > 0) {
      const now = this.options.clock.now();
      for (const { delivery } of items) {
        delivery.startedAt = delivery.heldFrom = now;
        delivery.messages = items.length;
      }
      running = this.invoke(items);
      await this.conclude(items, running);
    }
    // A method that goes on keeps its slots, unless they are given back for it.
    await running?.catch(() => undefined);
    const lent = items[0]?.delivery.overrun?.lent ?? 'none';
    if (lent !== 'all') this.options.own.release();
    if (lent === 'none') this.options.shared.release();
  }

  private isStillOurs({ delivery, resolve }: Waiting): boolean {
    const ours = isOurs(delivery);
    if (!ours) resolve(release);
    return ours;
  }

  private async invoke(items: readonly Waiting[]): Promise<void> {
    const deliveries = items.map(({ delivery }) => delivery);
    const { handler, instrumentation } = this.options;
    const invoke = (): Promise<void> =>
      marked(deliveries, () =>
        handler.invokeBatch!(items, (reason, work) => this.overran(reason, deliveries, work)),
      );
    await (instrumentation ? instrumentation.run(deliveries, invoke) : invoke());
  }

  private async conclude(items: readonly Waiting[], running: Promise<void>): Promise<void> {
    try {
      await this.inTime(items, running);
      for (const { asked, failed, resolve, reject } of items) {
        if (failed) reject(failed.error);
        else resolve(asked ?? ack);
      }
    } catch (error) {
      for (const { asked, resolve, reject } of items) {
        if (asked) resolve(asked);
        else reject(error);
      }
    }
  }

  /** The method itself cannot be stopped; its signals abort. */
  private inTime(items: readonly Waiting[], running: Promise<void>): Promise<void> {
    const { clock, handler } = this.options;
    const limit = handler.timeout;
    if (limit === undefined) return running;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => {
        const error = new HandlerTimeoutError(handler.name, limit);
        this.overran(
          'timeout',
          items.map(({ delivery }) => delivery),
          running,
        );
        for (const { delivery } of items) delivery.abort(error);
        reject(error);
      }, limit);
      void running.then(resolve, reject).finally(() => clock.clearTimeout(timer));
    });
  }

  /** One overrun for all deliveries of the batch, which share their slots. */
  private overran(
    reason: OverrunReason,
    deliveries: readonly Delivery[],
    work: Promise<unknown>,
  ): void {
    const { own, shared, overruns } = this.options;
    const before = deliveries[0]!.overrun;
    if (before) return before.again(reason);
    const overrun = new Overrun(reason, work);
    for (const delivery of deliveries) {
      delivery.overrun = overrun;
      delivery.onOverrun?.(delivery);
    }
    const lend = (all: boolean): void => {
      if (all) own.release();
      shared.release();
      for (const { freeSlots } of deliveries) freeSlots?.(all);
    };
    overruns.add({ overrun, deliveries, slots: shared, lend });
  }
}
