import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../core/clock.js';
import type { BoundHandler, Delivery } from '../../core/delivery.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Overrun, OverrunStatus } from '../../core/overrun.js';
import type { Slots } from '../plan/slots.js';

/** A run that overruns, and how it gives back its slots. */
export interface OverrunningRun {
  readonly overrun: Overrun;
  /** Several for a batch. */
  readonly deliveries: readonly Delivery[];
  /** Limits how many slots are given back. */
  readonly slots: Slots;
  /** Releases the slots: all of them, or those that are shared with other handlers. */
  readonly lend: (all: boolean) => void;
}

interface Known extends OverrunningRun {
  /** An event was emitted: the method went on for longer than a moment. */
  told: boolean;
}

/** The methods of one process that go on after their runs, or their streams, have ended. */
export class Overruns {
  private readonly known = new Set<Known>();
  readonly byEntry = new Map<string, Delivery>();
  /**
   * Calls in the context of the runtime. A run that overruns is noticed in its own context, and what
   * starts in its slots would stand in that: spans, baggage and storages of another message.
   */
  private readonly outside = AsyncLocalStorage.snapshot();

  constructor(private readonly options: { readonly clock: Clock; readonly events: EventBus }) {}

  /** @param of @default all */
  list(of?: { readonly consumer: string; readonly group: string }): OverrunStatus[] {
    return [...this.known]
      .filter(({ told, deliveries: [first] }) => told && (!of || isOf(first!, of)))
      .map((run) => this.statusOf(run));
  }

  /** The delivery of an entry whose method goes on in this process, of any consumer. */
  find({ stream, group, id }: Delivery): Delivery | undefined {
    return this.byEntry.get(keyOf(stream, group, id));
  }

  /** The method of a delivery goes on: its slots are given back to the dispatcher. */
  began(
    delivery: Delivery,
    slots: Slots,
    dispatcher: { lend(delivery: Delivery, all: boolean): void },
  ): void {
    const { freeSlots } = delivery;
    const lend = (all: boolean): void => {
      dispatcher.lend(delivery, all);
      freeSlots?.(all);
    };
    // A batch overruns as a whole, and reports that itself.
    if (delivery.handler!.batch) delivery.freeSlots = lend;
    else this.add({ overrun: delivery.overrun!, deliveries: [delivery], slots, lend });
  }

  add(run: OverrunningRun): void {
    const known: Known = { ...run, told: false };
    this.known.add(known);
    for (const delivery of run.deliveries) {
      this.byEntry.set(keyOf(delivery.stream, delivery.group, delivery.id), delivery);
    }
    // A method that ends at once, because its signal or its stream has told it, is not reported.
    setImmediate(() => this.outside(() => this.tell(known)));
    void run.overrun.ended.then(() => this.outside(() => this.ended(known)));
  }

  private tell(run: Known): void {
    if (run.overrun.over) return;
    run.told = true;
    this.lend(run);
    const { stream, group, id, consumer, eventType } = run.deliveries[0]!;
    const event = { ...this.statusOf(run), consumer, eventType, messages: run.deliveries.length };
    this.options.events.emit('overrun', { ...event, stream, group, id });
  }

  private lend(run: Known): void {
    if (!run.slots.tryLend()) return;
    const all = !handlerOf(run).serial;
    run.overrun.lent = all ? 'all' : 'shared';
    run.lend(all);
  }

  private ended(run: Known): void {
    this.known.delete(run);
    for (const delivery of run.deliveries) {
      const key = keyOf(delivery.stream, delivery.group, delivery.id);
      if (this.byEntry.get(key) === delivery) this.byEntry.delete(key);
    }
    if (!run.told) return;
    if (run.overrun.lent !== 'none') {
      run.slots.lentEnded();
      this.lendNext(run.slots);
    }
    const { runningFor, ...where } = this.statusOf(run);
    this.options.events.emit('overrun-ended', { ...where, duration: runningFor });
  }

  /** Gives back the slots of a method that had to keep them until now. */
  private lendNext(slots: Slots): void {
    for (const run of this.known) {
      if (run.slots !== slots || !run.told || run.overrun.lent !== 'none') continue;
      return this.lend(run);
    }
  }

  private statusOf({ overrun, deliveries }: OverrunningRun): OverrunStatus {
    const [{ stream, group, id, attempt, startedAt, handler }] = deliveries as [Delivery];
    return {
      handler: handler!.name,
      stream,
      group,
      id,
      attempt,
      reason: overrun.reason,
      runningFor: this.options.clock.now() - startedAt,
      slotGivenBack: overrun.lent !== 'none',
    };
  }
}

const handlerOf = ({ deliveries: [first] }: OverrunningRun): BoundHandler => first!.handler!;

const keyOf = (stream: string, group: string, id: string): string => `${group}\n${stream}\n${id}`;

const isOf = (delivery: Delivery, of: { consumer: string; group: string }): boolean =>
  delivery.consumer === of.consumer && delivery.group === of.group;
