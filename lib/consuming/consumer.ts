import type { Delivery } from '../core/delivery.js';
import { disown } from '../core/disown.js';
import type { Worker } from '../core/worker.js';
import type { Subscription } from '../ports/subscription.js';
import type { ConsumerOptions } from './consumer-options.js';
import { workingsOf, type ConsumerWorkings } from './consumer-parts.js';
import { runPartsOf } from './run-parts.js';
import { drain, drainSome, runsOf } from './drain.js';
import { elsewhereOf } from './live-consumers/other-consumers.js';
import type { HandOver } from './live-consumers/hand-over.js';
import type { UnhandledInOrder } from './live-consumers/unhandled-in-order.js';
import type { ConsumerPlan } from './plan/plan.js';
import { rebalanceOf } from './rebalance.js';
import { Admission } from './reading/admission.js';
import { Heartbeat } from './reading/heartbeat.js';
import { PullLoop } from './reading/pull-loop.js';
import { subscribe } from './reading/subscribe.js';
import { concurrencyLimitsOf } from './running/concurrency-limits.js';
import { awaitsEnd } from './running/close-within-run.js';
import { run, type RunParts } from './running/run.js';
import { followed } from './settling/progress-recorder.js';

/** Runs the deliveries of one plan: reads, dispatches with limited concurrency, settles, drains. */
export class Consumer implements Worker {
  private readonly workings: ConsumerWorkings;
  private subscription!: Subscription;
  private runParts!: RunParts;
  private pullLoop: PullLoop | undefined;
  private heartbeat!: Heartbeat;
  /** Streams that are left alone: nothing of them is read or started. */
  private readonly halted = new Set<string>();
  /** Undefined: an event that no handler here takes is handed to no other consumer. */
  private handOver: HandOver | undefined;
  private unhandledInOrder: UnhandledInOrder | undefined;
  private stopped = false;
  private ending: Promise<void> | undefined;

  constructor(private readonly options: ConsumerOptions) {
    this.workings = workingsOf({
      ...options,
      run: (delivery) => run(this.runParts, delivery),
      subscription: () => this.subscription,
      handOver: () => this.handOver,
      isHalted: this.isHalted,
      onProgress: this.progressed,
    });
  }

  get plan(): ConsumerPlan {
    return this.options.plan;
  }

  async start(): Promise<void> {
    const { options } = this;
    const { held, claims, settlementHandler, recorder } = this.workings;
    const rebalance = rebalanceOf(options.source, { ...options, ...this.workings });
    if (rebalance) this.mayNotStart = rebalance.orHalted(this.isHalted);
    const subscription = (this.subscription = await subscribe(options, recorder, rebalance));
    this.lookElsewhere(subscription);
    this.runParts = this.prepareRuns(subscription);
    this.heartbeat = new Heartbeat({
      ...options,
      subscription,
      held,
      onLost: (delivery, outcome) => settlementHandler.lose(delivery, outcome),
    });
    await this.heartbeat.start();
    await claims?.start();
    this.pullLoop = this.readInto(subscription);
    this.pullLoop.start();
  }

  /**
   * Stops reading, releases deliveries that have not started, awaits running ones, settles, closes.
   */
  stop(): Promise<void> {
    if (!this.pullLoop) this.stopped = true;
    this.ending ??= this.pullLoop ? this.drain(this.pullLoop) : Promise.resolve();
    return this.ending;
  }

  /**
   * Reads nothing of these streams, and gives back deliveries that have not started. Running ones
   * go on.
   */
  halt(streams: Iterable<string>): void {
    for (const stream of streams) this.halted.add(stream);
    if (!this.stopped) this.watch();
    const { isHalted, workings } = this;
    const { dispatcher, settlementHandler, ordering, collectors } = workings;
    const unstarted = [...dispatcher.take(isHalted), ...settlementHandler.nextRuns.take(isHalted)];
    // Where order matters there is one stream only.
    unstarted.push(...(ordering?.take() ?? []), ...(this.handOver?.take(isHalted) ?? []));
    this.unhandledInOrder?.end();
    for (const delivery of unstarted) settlementHandler.letGo(delivery);
    collectors?.letGo(isHalted);
    void workings.recorder?.flush(this.halted);
  }

  /** Reads these streams again. */
  resume(streams: Iterable<string>): void {
    for (const stream of streams) this.halted.delete(stream);
    this.watch();
    this.pullLoop?.capacityFreed();
  }

  /** Ends reading these streams, as a shutdown would, while the others go on. */
  async leave(streams: ReadonlySet<string>): Promise<void> {
    this.halt(streams);
    await drainSome({
      ...runsOf(this.options, this.workings),
      of: ({ stream }) => streams.has(stream),
    });
    await Promise.all([...streams].map((stream) => this.gaveUp(stream)));
  }

  /**
   * Call it when this consumer settles nothing of the stream any more. Resolves when what was settled
   * is recorded.
   * @param completed no consumer will read the stream any more
   */
  async gaveUp(stream: string, completed = false): Promise<void> {
    await this.workings.recorder?.leave(stream, completed);
  }

  /**
   * Resolves when no delivery of these streams is held except by runs that await the end
   * themselves.
   * @param streams @default all
   * @returns whether there are such runs
   */
  async othersEnded(streams?: ReadonlySet<string>): Promise<boolean> {
    if (this.stopped) await this.pullLoop?.stop();
    const of = ({ stream }: Delivery): boolean => streams?.has(stream) ?? true;
    await this.workings.held.untilNone((delivery) => of(delivery) && !awaitsEnd(delivery));
    return [...this.workings.held].some(of);
  }

  /** Handlers were added to the tables of the plan. */
  handlersChanged(): void {
    const { plan, slots } = this.options;
    this.workings.dispatcher.resize(concurrencyLimitsOf(plan, slots).limit);
  }

  /** The entry was acknowledged by its id: it need not run, unless it runs already. */
  acknowledged(stream: string, id: string): void {
    this.workings.recorder?.acknowledged(stream, id);
    for (const delivery of this.workings.held) {
      if (delivery.id === id && delivery.stream === stream)
        this.workings.settlementHandler.acknowledged(delivery);
    }
  }

  /** Another consumer owns what this one holds: nothing more of it starts, or is settled. */
  disown(): void {
    for (const delivery of this.workings.held) disown(delivery);
  }

  /** Resolves when the consumer holds nothing. */
  empty(): Promise<void> {
    return this.workings.held.untilNone(() => true);
  }

  private drain(pullLoop: PullLoop): Promise<void> {
    const { heartbeat, subscription, handOver } = this;
    return drain({
      ...this.workings,
      ...runsOf(this.options, this.workings),
      pullLoop,
      heartbeat,
      subscription,
      handOver,
      onStop: () => {
        this.stopped = true;
        this.unhandledInOrder?.end();
      },
    });
  }

  private watch(): void {
    const streams = [...this.options.plan.tables.keys()];
    this.subscription.watch(new Set(streams.filter((stream) => !this.halted.has(stream))));
  }

  /** Whether deliveries of the same stream must not start now. */
  private readonly isHalted = (delivery: Delivery): boolean =>
    this.stopped || this.halted.has(delivery.stream);

  /** As `isHalted`, or its partition goes to another consumer. */
  private mayNotStart = this.isHalted;

  /** A run or settlement has ended: there may be room, and callers may wait for it. */
  private readonly progressed = (): void => {
    this.pullLoop?.capacityFreed();
    const { held } = this.workings;
    if (held.waiting.size > 0) held.progressed();
  };

  private prepareRuns(subscription: Subscription): RunParts {
    const { options, workings, mayNotStart: isHalted, overran } = this;
    const looksElsewhere = this.handOver !== undefined;
    return runPartsOf(options, workings, { subscription, looksElsewhere, isHalted, overran });
  }

  private readInto(subscription: Subscription): PullLoop {
    const { options, workings, halted, mayNotStart: isHalted } = this;
    const { capacity, readAhead } = workings;
    const { tables } = options.plan;
    const admission = new Admission({
      ...options,
      ...workings,
      unhandledInOrder: () => this.unhandledInOrder,
      isHalted,
    });
    return new PullLoop({
      ...options,
      subscription,
      readAhead,
      progress: options.readers.begin({ ...options, ...workings, halted, subscription }),
      capacity: () => (halted.size === tables.size ? 0 : capacity.free),
      capacityForHanded: () => (halted.size === tables.size ? 0 : capacity.forHanded),
      accept: followed(admission.accept, workings.recorder),
    });
  }

  /**
   * An event that no handler here takes may be for another consumer, where consumers know of each
   * other.
   */
  private lookElsewhere(subscription: Subscription): void {
    const { options, isHalted } = this;
    const onYield = options.onYield && this.yield;
    const ends = this.workings.settlementHandler;
    const elsewhere = elsewhereOf(options, { subscription, ends, isHalted, onYield });
    this.handOver = elsewhere?.handOver;
    this.unhandledInOrder = elsewhere?.unhandledInOrder;
  }

  private readonly yield = ({ stream, id, eventType }: Delivery): void => {
    const { events, plan, onYield } = this.options;
    events.emit('stream-yielded', { stream, group: plan.group, id, eventType });
    this.halt([stream]);
    onYield?.();
  };

  private readonly overran = (delivery: Delivery): void => {
    const { overruns, slots } = this.options;
    overruns.began(delivery, slots, this.workings.dispatcher);
  };
}
