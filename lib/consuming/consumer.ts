import { Chain } from '../core/chain.js';
import { Delivery, type Handler } from '../core/delivery.js';
import { OwnershipLostError } from '../core/errors/handling.errors.js';
import type { ExtendOutcome, Lease } from '../core/lease.js';
import {
  release,
  type Leave,
  type Lost,
  type Settlement,
  type SettleOutcome,
} from '../core/settlement.js';
import type { Subscription } from '../core/source.js';
import type { Worker } from '../core/worker.js';
import { claimsOf, type Claims } from './claims.js';
import { Collectors } from './collectors.js';
import type { ConsumerOptions } from './consumer-options.js';
import { drain, drainSome, type Runs } from './drain.js';
import { Dispatcher } from './dispatcher.js';
import { Heartbeat } from './heartbeat.js';
import { Intake } from './intake.js';
import { Parking } from './parking.js';
import type { ConsumerPlan } from './plan.js';
import { createPipeline } from './pipeline.js';
import { placesOf, takesBatches, type Places } from './places.js';
import { ReadAhead } from './read-ahead.js';
import { runsWithin } from './runs-within.js';
import { reportSettled } from './report.js';
import { settleWith } from './settle-with.js';
import { Settler, type Reported } from './settler.js';
import { subscribing } from './subscribing.js';
import { Verdict } from './verdict.js';

const taken: Lost = { kind: 'lost', why: 'taken' };
const trimmed: Lost = { kind: 'lost', why: 'trimmed' };

/** Runs the deliveries of one plan: reads, dispatches with bounded concurrency, settles, drains. */
export class Consumer implements Worker {
  /** Everything that the source holds for us: buffered, running, parked, being settled. */
  private readonly held = new Chain<Delivery>();
  private readonly dispatcher: Dispatcher;
  private readonly parking: Parking;
  private readonly settler: Settler;
  private readonly readAhead: ReadAhead;
  private readonly verdict: Verdict;
  private readonly claims: Claims | undefined;
  readonly collectors: Collectors | undefined;
  private readonly places: Places;
  private subscription!: Subscription;
  private pipeline!: Handler;
  private intake: Intake | undefined;
  private heartbeat!: Heartbeat;
  /** Streams that are left alone: nothing of them is read or started. */
  private readonly halted = new Set<string>();
  private readonly waiting = new Set<() => void>();
  private paused = false;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: ConsumerOptions) {
    const { clock, plan, slots } = options;
    this.verdict = new Verdict(options.isUnrecoverable);
    this.claims = claimsOf(options);
    this.collectors = takesBatches(plan) ? new Collectors(options) : undefined;
    this.places = placesOf(plan, slots);
    // More would live long enough to be dear to the garbage collector, and drain no faster.
    this.readAhead = new ReadAhead(Math.ceil(options.batchSize / 2), clock);
    this.parking = new Parking(clock, (delivery) => this.unpark(delivery));
    this.dispatcher = new Dispatcher({
      limit: this.limit(),
      shared: this.places.shared,
      suspectLane: options.suspectLane,
      run: (delivery) => void this.run(delivery),
      onEnded: () => {
        this.readAhead.countFinished();
        this.progressed();
      },
    });
    this.settler = new Settler({
      ...options,
      settle: settleWith(options, (lease) => this.stillOurs(lease)),
      onSettled: (delivery, settlement, outcome) => this.settled(delivery, settlement, outcome),
    });
  }

  get plan(): ConsumerPlan {
    return this.options.plan;
  }

  async start(): Promise<void> {
    const { options, readAhead } = this;
    const { group, tables } = options.plan;
    const streams = [...tables.keys()];
    const subscription = await options.source.subscribe({
      ...subscribing(options),
      runsWithin: runsWithin(tables.values(), options.idleTimeout),
      group,
      streams,
    });
    this.subscription = subscription;
    this.pipeline = createPipeline({
      ...options,
      subscription,
      tables,
      claims: this.claims,
      collectors: this.collectors,
      shared: this.collectors && options.slots,
      isHalted: (delivery) => this.isHalted(delivery),
    });
    this.heartbeat = new Heartbeat({
      ...options,
      subscription,
      held: this.held,
      onLost: (delivery, outcome) => this.lose(delivery, outcome),
    });
    await this.heartbeat.start();
    await this.claims?.start();
    this.intake = new Intake({
      ...options,
      subscription,
      readAhead,
      room: () => this.room(),
      accept: (leases) => this.accept(leases),
    });
    this.intake.start();
  }

  /** Stops reading, releases what has not started, awaits what runs, settles, closes. */
  stop(): Promise<void> {
    this.stopping ??= this.intake ? this.drain(this.intake) : Promise.resolve();
    return this.stopping;
  }

  /** Reads nothing of these streams, and gives back what has not started. What runs goes on. */
  halt(streams: Iterable<string>): void {
    for (const stream of streams) this.halted.add(stream);
    this.watch();
    const isHalted = (delivery: Delivery): boolean => this.isHalted(delivery);
    const unstarted = [...this.dispatcher.take(isHalted), ...this.parking.take(isHalted)];
    for (const delivery of unstarted) this.settle(delivery, release);
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
    const of = (delivery: Delivery): boolean => streams.has(delivery.stream);
    await drainSome({ ...this.runs(), of, untilNone: (wanted) => this.untilNone(wanted) });
  }

  /** Handlers have joined the tables of the plan. */
  handlersChanged(): void {
    this.dispatcher.resize(this.limit());
  }

  /** Somebody has acknowledged it by its id: it need not run, unless it runs already. */
  acknowledged(stream: string, id: string): void {
    for (const delivery of this.held) {
      if (delivery.id !== id || delivery.stream !== stream || delivery.running) continue;
      delivery.lost = true;
      if (this.parking.remove(delivery)) this.drop(delivery, taken);
    }
  }

  private drain(intake: Intake): Promise<void> {
    const { dispatcher, collectors, parking, settler, heartbeat, claims, subscription } = this;
    const parts = {
      dispatcher,
      collectors,
      intake,
      parking,
      settler,
      heartbeat,
      claims,
      subscription,
    };
    return drain({ ...this.runs(), ...parts });
  }

  private runs(): Runs {
    const { clock, gracePeriod } = this.options;
    const letGo = (delivery: Delivery): void => this.settle(delivery, release);
    return { clock, gracePeriod, held: this.held, letGo };
  }

  private limit(): number {
    const { plan, slots } = this.options;
    return placesOf(plan, slots).limit;
  }

  private watch(): void {
    const streams = [...this.options.plan.tables.keys()];
    this.subscription.watch(new Set(streams.filter((stream) => !this.halted.has(stream))));
  }

  /** Nothing of its stream starts. */
  private isHalted(delivery: Delivery): boolean {
    return this.stopping !== undefined || this.halted.has(delivery.stream);
  }

  private untilNone(wanted: (delivery: Delivery) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        for (const delivery of this.held) if (wanted(delivery)) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }

  /** Something ended: there may be room, and somebody may wait for it. */
  private progressed(): void {
    this.intake?.roomMade();
    for (const look of this.waiting) look();
  }

  private async stillOurs(lease: Lease): Promise<boolean> {
    const [outcome] = await this.subscription.extend([lease]);
    return outcome === 'held' || outcome === 'trimmed';
  }

  /** Free slots plus the read-ahead; nothing while too much waits to be retried or settled. */
  private room(): number {
    const { maxParked, batchSize } = this.options;
    if (this.paused !== this.parking.size >= maxParked) this.togglePause();
    if (this.paused || this.settler.pending > 4 * batchSize) return 0;
    if (this.dispatcher.suspectsWaiting >= maxParked) return 0;
    if (this.halted.size === this.options.plan.tables.size) return 0;
    return this.dispatcher.room + this.readAhead.size;
  }

  private togglePause(): void {
    this.paused = !this.paused;
    const { events, plan } = this.options;
    if (!this.paused) events.emit('reading-resumed', { group: plan.group });
    else events.emit('reading-paused', { group: plan.group, parked: this.parking.size });
  }

  private accept(leases: readonly Lease[]): void {
    const now = this.options.clock.now();
    for (const lease of leases) {
      const delivery = new Delivery(lease, this.options.plan.group, this.options.consumer);
      delivery.freshAt = now;
      this.held.add(delivery);
      delivery.suspect = !lease.charged && lease.attempt >= 2;
      // A pull that was under way when its stream was paused.
      if (this.isHalted(delivery)) this.settle(delivery, release);
      else this.dispatcher.add(delivery);
    }
    this.dispatcher.pump();
  }

  private async run(delivery: Delivery): Promise<void> {
    delivery.startedAt = delivery.heldFrom = this.options.clock.now();
    let settlement: Settlement = taken;
    try {
      if (!delivery.lost) settlement = this.verdict.on(delivery, await this.pipeline(delivery));
    } catch (error) {
      settlement = this.verdict.onError(delivery, error);
    }
    if (delivery.lost) settlement = taken;
    // The next suspect may kill the process: what this one came to has to be known before.
    if (delivery.suspect) await this.settleFirst(delivery, settlement);
    else this.settle(delivery, settlement);
    if (delivery.overrun) await delivery.overrun;
    this.dispatcher.ended(delivery);
  }

  private settleFirst(delivery: Delivery, settlement: Settlement): Promise<void> {
    return new Promise((resolve) => {
      this.settle(delivery, settlement, resolve);
      if (settlement.kind === 'lost' || isLeftUnrun(delivery, settlement)) resolve();
    });
  }

  private settle(delivery: Delivery, settlement: Settlement, onConcluded?: () => void): void {
    if (settlement.kind === 'lost') return this.drop(delivery, settlement);
    if (isLeftUnrun(delivery, settlement)) return this.settled(delivery, settlement, 'settled');
    if (settlement.kind === 'ack') delivery.forgetContent();
    this.settler.add(delivery, settlement, onConcluded);
  }

  private settled(delivery: Delivery, settlement: Reported, outcome: SettleOutcome): void {
    const parks =
      settlement.kind === 'retry' &&
      outcome === 'settled' &&
      !this.options.source.capabilities.redelivers;
    if (parks) this.park(delivery, settlement.delay);
    else this.held.delete(delivery);
    this.claims?.settled(delivery, settlement, outcome);
    if (outcome !== 'settled') this.subscription.forget(delivery.lease);
    else if (settlement.kind === 'leave') this.subscription.forget(delivery.lease, true);
    this.report(delivery, settlement, outcome);
    this.progressed();
  }

  private park(delivery: Delivery, delay: number): void {
    const next = delivery.next();
    next.lease.fields = undefined;
    this.held.delete(delivery);
    this.held.add(next);
    if (this.isHalted(next)) this.settle(next, release);
    else this.parking.add(next, delay);
  }

  private unpark(delivery: Delivery): void {
    if (delivery.overrun) void delivery.overrun.then(() => this.rerun(delivery));
    else this.rerun(delivery);
  }

  private rerun(delivery: Delivery): void {
    delivery.overrun = undefined;
    if (this.isHalted(delivery)) return this.settle(delivery, release);
    this.dispatcher.add(delivery);
    this.dispatcher.pump();
  }

  /** The heartbeat found that the entry is not ours any more. */
  private lose(delivery: Delivery, outcome: Exclude<ExtendOutcome, 'held'>): void {
    // Without its data nobody else can run it: what runs here may finish and publish its next step.
    if (outcome !== 'lost' && delivery.running) return;
    delivery.lost = true;
    delivery.abort(new OwnershipLostError(delivery.stream, delivery.id));
    if (this.parking.remove(delivery)) this.drop(delivery, outcome === 'lost' ? taken : trimmed);
  }

  private drop(delivery: Delivery, settlement: Lost): void {
    if (!this.held.delete(delivery)) return;
    this.claims?.dropped(delivery);
    this.subscription.forget(delivery.lease);
    this.report(delivery, settlement, 'lost');
    this.progressed();
  }

  private report(delivery: Delivery, settlement: Settlement, outcome: SettleOutcome): void {
    reportSettled(this.options.events, this.options.clock, delivery, settlement, outcome);
  }
}

/** By the policy for events that no handler takes. Nothing was counted for it that had to be taken back. */
function isLeftUnrun(delivery: Delivery, settlement: Settlement): settlement is Leave {
  return settlement.kind === 'leave' && !(delivery.handler && delivery.lease.charged);
}
