import { disown, type Delivery } from '../core/delivery.js';
import type { Subscription } from '../ports/source.js';
import type { Worker } from '../core/worker.js';
import { Admission } from './reading/admission.js';
import { SettlementHandler } from './settling/settlement-handler.js';
import { claimsOf, type Claims } from './dedupe/claims.js';
import { Collectors } from './batching/collectors.js';
import type { ConsumerOptions } from './consumer-options.js';
import { drain, drainSome, type Runs } from './drain.js';
import { Dispatcher } from './running/dispatcher.js';
import { Heartbeat } from './reading/heartbeat.js';
import { HeldDeliveries } from './running/held-deliveries.js';
import { Intake } from './reading/intake.js';
import { orderingOf, type Ordering } from './ordering/ordering.js';
import type { ConsumerPlan } from './plan/plan.js';
import { createPipeline } from './pipeline.js';
import { awaitsEnd } from './running/own-end.js';
import {
  concurrencyLimitsOf,
  takesBatches,
  type ConcurrencyLimits,
} from './running/concurrency-limits.js';
import { ReadAhead } from './reading/read-ahead.js';
import { Capacity } from './capacity.js';
import { run, type RunParts } from './running/run.js';
import { elsewhereOf } from './live/elsewhere.js';
import type { HandOver } from './live/hand-over.js';
import type { InTurn } from './live/in-turn.js';
import { runsWithin } from './plan/runs-within.js';
import { subscribing } from './reading/subscribe-options.js';

/** Runs the deliveries of one plan: reads, dispatches with bounded concurrency, settles, drains. */
export class Consumer implements Worker {
  private readonly held = new HeldDeliveries();
  private readonly dispatcher: Dispatcher;
  private readonly ordering: Ordering | undefined;
  private readonly settlementHandler: SettlementHandler;
  private readonly readAhead: ReadAhead;
  private readonly room: Capacity;
  private readonly claims: Claims | undefined;
  readonly collectors: Collectors | undefined;
  private readonly places: ConcurrencyLimits;
  private subscription!: Subscription;
  private runParts!: RunParts;
  private intake: Intake | undefined;
  private heartbeat!: Heartbeat;
  /** Streams that are left alone: nothing of them is read or started. */
  private readonly halted = new Set<string>();
  /** Undefined: what nothing here handles is handed to no other consumer. */
  private handOver: HandOver | undefined;
  private inTurn: InTurn | undefined;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: ConsumerOptions) {
    const { clock, plan, slots } = options;
    this.claims = claimsOf(options);
    this.collectors = takesBatches(plan) ? new Collectors(options) : undefined;
    this.places = concurrencyLimitsOf(plan, slots);
    // More would live long enough to be dear to the garbage collector, and drain no faster.
    this.readAhead = new ReadAhead(Math.ceil(options.batchSize / 2), clock);
    this.ordering = orderingOf(options);
    this.dispatcher = new Dispatcher({
      limit: this.limit(),
      shared: this.places.shared,
      suspectLane: options.suspectLane,
      run: (delivery) => run(this.runParts, delivery),
      onEnded: () => {
        this.readAhead.countFinished();
        this.progressed();
      },
    });
    const { dispatcher, ordering, readAhead } = this;
    this.settlementHandler = new SettlementHandler({
      ...options,
      held: this.held,
      subscription: () => this.subscription,
      dispatcher,
      claims: this.claims,
      ordering,
      isHalted: (delivery) => this.isHalted(delivery),
      onUnhandled: (delivery) => this.handOver!.add(delivery),
      handOn: (delivery) => this.handOver?.offer(delivery),
      onProgress: () => this.progressed(),
    });
    const { settler } = this.settlementHandler;
    const { parkedRetries } = this.settlementHandler.nextRuns;
    const handOver = (): HandOver | undefined => this.handOver;
    this.room = new Capacity({
      ...options,
      dispatcher,
      parkedRetries,
      ordering,
      settler,
      readAhead,
      handOver,
    });
  }

  get plan(): ConsumerPlan {
    return this.options.plan;
  }

  async start(): Promise<void> {
    const { options, readAhead } = this;
    const { group, tables } = options.plan;
    this.subscription = await options.source.subscribe({
      ...subscribing(options),
      runsWithin: runsWithin(tables.values(), options.idleTimeout),
      group,
      streams: [...tables.keys()],
    });
    const { subscription } = this;
    this.lookElsewhere(subscription);
    const pipeline = createPipeline({
      ...options,
      subscription,
      tables,
      claims: this.claims,
      collectors: this.collectors,
      shared: this.collectors && options.slots,
      looksElsewhere: this.handOver !== undefined,
      isHalted: (delivery) => this.isHalted(delivery),
    });
    const { clock, heldLease } = options;
    const { settlementHandler, dispatcher, overran } = this;
    const { failurePolicy } = settlementHandler;
    this.runParts = {
      clock,
      heldLease,
      pipeline,
      failurePolicy,
      settlementHandler,
      dispatcher,
      overran,
    };
    this.heartbeat = new Heartbeat({
      ...options,
      subscription,
      held: this.held,
      onLost: (delivery, outcome) => this.settlementHandler.lose(delivery, outcome),
    });
    await this.heartbeat.start();
    await this.claims?.start();
    this.intake = new Intake({
      ...options,
      subscription,
      readAhead,
      room: () => (this.halted.size === tables.size ? 0 : this.room.free),
      roomForHanded: () => (this.halted.size === tables.size ? 0 : this.room.forHanded),
      accept: this.admission().accept,
    });
    this.intake.start();
  }

  /** Stops reading, releases what has not started, awaits what runs, settles, closes. */
  stop(): Promise<void> {
    this.stopping ??= this.intake ? this.drain(this.intake) : Promise.resolve();
    this.inTurn?.end();
    return this.stopping;
  }

  /** Reads nothing of these streams, and gives back what has not started. What runs goes on. */
  halt(streams: Iterable<string>): void {
    for (const stream of streams) this.halted.add(stream);
    if (!this.stopping) this.watch();
    const isHalted = (delivery: Delivery): boolean => this.isHalted(delivery);
    const { dispatcher, settlementHandler, ordering } = this;
    const unstarted = [...dispatcher.take(isHalted), ...settlementHandler.nextRuns.take(isHalted)];
    // Where order matters there is one stream only.
    unstarted.push(...(ordering?.takeAll() ?? []), ...(this.handOver?.take(isHalted) ?? []));
    this.inTurn?.end();
    for (const delivery of unstarted) settlementHandler.letGo(delivery);
    this.collectors?.letGo(isHalted);
  }

  /** Reads these streams again. */
  resume(streams: Iterable<string>): void {
    for (const stream of streams) this.halted.delete(stream);
    this.watch();
    this.intake?.roomMade();
  }

  /** Ends reading these streams, as a shutdown would, while the others go on. */
  async leave(streams: ReadonlySet<string>): Promise<void> {
    this.halt(streams);
    await drainSome({ ...this.runs(), of: ({ stream }) => streams.has(stream) });
  }

  /**
   * Resolves when nothing of these streams is held any more, but for runs that await the end themselves.
   * @param streams default all
   * @returns whether there are such
   */
  async othersEnded(streams?: ReadonlySet<string>): Promise<boolean> {
    if (this.stopping) await this.intake?.stop();
    const of = ({ stream }: Delivery): boolean => streams?.has(stream) ?? true;
    await this.held.untilNone((delivery) => of(delivery) && !awaitsEnd(delivery));
    return [...this.held].some(of);
  }

  /** Handlers have joined the tables of the plan. */
  handlersChanged(): void {
    this.dispatcher.resize(this.limit());
  }

  /** Somebody has acknowledged it by its id: it need not run, unless it runs already. */
  acknowledged(stream: string, id: string): void {
    for (const delivery of this.held) {
      if (delivery.id === id && delivery.stream === stream)
        this.settlementHandler.acknowledged(delivery);
    }
  }

  /** What it holds is somebody else's now: nothing more of it starts, or is settled. */
  disown(): void {
    for (const delivery of this.held) disown(delivery);
  }

  /** Resolves when it holds nothing. */
  empty(): Promise<void> {
    return this.held.untilNone(() => true);
  }

  private drain(intake: Intake): Promise<void> {
    const { dispatcher, collectors, ordering, heartbeat, claims, subscription } = this;
    const { settlementHandler, handOver } = this;
    const parts = { dispatcher, collectors, ordering, heartbeat, claims, subscription, handOver };
    return drain({ ...this.runs(), ...parts, intake, settlementHandler });
  }

  private runs(): Runs {
    const { clock, gracePeriod, events, plan } = this.options;
    const letGo = (delivery: Delivery): void => this.settlementHandler.letGo(delivery);
    const takeOverdue: Runs['takeOverdue'] = (wanted) =>
      this.settlementHandler.nextRuns.overdue.takeAll(wanted);
    const { held } = this;
    return { clock, gracePeriod, events, group: plan.group, held, letGo, takeOverdue };
  }

  private limit(): number {
    return concurrencyLimitsOf(this.options.plan, this.options.slots).limit;
  }

  private watch(): void {
    const streams = [...this.options.plan.tables.keys()];
    this.subscription.watch(new Set(streams.filter((stream) => !this.halted.has(stream))));
  }

  /** Nothing of its stream starts. */
  private isHalted(delivery: Delivery): boolean {
    return this.stopping !== undefined || this.halted.has(delivery.stream);
  }

  /** Something ended: there may be room, and somebody may wait for it. */
  private progressed(): void {
    this.intake?.roomMade();
    this.held.progressed();
  }

  private admission(): Admission {
    const { options, held, dispatcher, settlementHandler, ordering } = this;
    return new Admission({
      ...options,
      held,
      dispatcher,
      settlementHandler,
      ordering,
      inTurn: () => this.inTurn,
      isHalted: (delivery) => this.isHalted(delivery),
    });
  }

  /** What no handler here takes may be another consumer's, where consumers know of each other. */
  private lookElsewhere(subscription: Subscription): void {
    const { options, settlementHandler } = this;
    const { onYield } = options;
    const elsewhere = elsewhereOf(options, {
      subscription,
      ends: settlementHandler,
      isHalted: (delivery) => this.isHalted(delivery),
      onYield: onYield && ((delivery) => this.yield(delivery, onYield)),
    });
    this.handOver = elsewhere?.handOver;
    this.inTurn = elsewhere?.inTurn;
  }

  private yield({ stream, id, eventType }: Delivery, onYield: () => void): void {
    const { events, plan } = this.options;
    events.emit('stream-yielded', { stream, group: plan.group, id, eventType });
    this.halt([stream]);
    onYield();
  }

  private readonly overran = (delivery: Delivery): void => {
    const { overruns, slots } = this.options;
    const { freePlace } = delivery;
    const lend = (all: boolean): void => {
      this.dispatcher.lend(delivery, all);
      freePlace?.(all);
    };
    // A batch overruns as a whole, and says so itself.
    if (delivery.handler!.batch) delivery.freePlace = lend;
    else overruns.add({ overrun: delivery.overrun!, deliveries: [delivery], slots, lend });
  };
}
