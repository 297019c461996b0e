import { LagWatch } from '../admin/lag/lag-watch.js';
import type { StreamsAdmin } from '../admin/streams-admin.js';
import { Lifecycle, streamsByGroup } from './lifecycle.js';
import { ShutdownTime } from './shutdown-time.js';
import { consumerPartsOf } from './consumer-parts-of.js';
import { createAdmin } from './create-admin.js';
import { BoundSlots } from './slots/bound-slots.js';
import { BalancedServices, divided } from './balanced-services.js';
import { createWorkflowEngine, type WorkflowEngine } from '../workflows/workflow-engine.js';
import { Commits } from '../committing/commits.js';
import { Consumers, type SubscribeSettings } from '../consuming/consumers.js';
import {
  dedupeStores,
  requireDedupeStores,
  type DedupeStores,
} from '../consuming/dedupe/dedupe-stores.js';
import { endFor } from '../consuming/running/close-within-run.js';
import type { Reading } from '../consuming/subscription-registry.js';
import { requireStrategies } from '../consuming/settling/strategies/required-strategies.js';
import { Readers } from '../consuming/reading/readers.js';
import { Overruns } from '../consuming/running/overruns.js';
import { sourceWarnings } from '../consuming/plan/source-warnings.js';
import type { Clock } from '../core/clock.js';
import type { Driver } from '../ports/driver.js';
import { EventBus } from '../core/event-bus.js';
import { Instruments } from '../core/instruments.js';
import type { HandlerDefinition } from '../options/handler-definition.js';
import type { When } from '../core/message.js';
import { createRouter, type Router } from '../core/routing.js';
import { bindHandlers, sharedGroupWarning } from '../options/bind-handlers.js';
import { withinSource } from '../options/source-limits.js';
import { resolveOptions } from '../options/resolve-options.js';
import type { ResolvedOptions, StreamsOptions } from '../options/streams-options.js';
import { Producer } from '../publishing/producer.js';
import { repliesOf } from '../requests/replies-of.js';
import { Requester } from '../requests/requester.js';
import type { Retainer } from '../retention/retainer.js';
import { createRetainer } from '../retention/create-retainer.js';
import { createScheduler, type Scheduler } from '../delays/scheduler.js';

/** Makes all parts from the options, and wires them. Knows nothing of Nest. */
export class StreamsRuntime {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'StreamsRuntime';
  readonly options: ResolvedOptions;
  readonly events = new EventBus();
  readonly instruments: Instruments;
  readonly clock: Clock;
  readonly route: Router;
  readonly slots: BoundSlots;
  private readonly dedupe: DedupeStores;
  /** The driver of the message source. */
  readonly driver: Driver;
  readonly producer: Producer;
  readonly admin: StreamsAdmin;
  readonly chaining: WorkflowEngine;
  readonly commits: Commits;
  private readonly scheduler: Scheduler | undefined;
  readonly consumers: Consumers;
  readonly overruns: Overruns;
  readonly readers = new Readers();
  readonly balanced: BalancedServices;
  private readonly requesters = new Set<Requester>();
  readonly lag: LagWatch;
  private readonly retainer: Retainer | undefined;
  private working: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private draining: Promise<void> | undefined;
  private readonly shutdown: ShutdownTime;
  private readonly lifecycle: Lifecycle;
  /** Called once all is closed, or could not be closed in time. */
  readonly whenClosed: (() => void)[] = [];

  /** @throws InvalidOptionsError */
  constructor(options: StreamsOptions) {
    const resolved = resolveOptions(options);
    const { keyPrefix } = resolved;
    this.slots = new BoundSlots(options, { events: this.events, keyPrefix });
    this.driver = this.slots.driver;
    this.options = withinSource(options, resolved, this.driver);
    this.clock = this.slots.clock;
    this.dedupe = dedupeStores(this.slots, this.options.inbox);
    this.shutdown = new ShutdownTime(this.clock, this.options.gracePeriod);
    this.route = createRouter(resolved.routes);
    const { technology } = this.slots;
    const { events, clock, driver } = this;
    this.instruments = new Instruments(technology, events, this.options.instrumentation);
    const { instruments } = this;
    const { delays, groups, leases } = driver;
    this.scheduler = createScheduler({ delays, clock, events });
    const { route, onScheduled } = this;
    const publishing = { ...this.options, route, groups, clock, delays, events, onScheduled };
    this.producer = new Producer(driver.source, { ...publishing, instruments });
    this.chaining = createWorkflowEngine(this);
    this.commits = new Commits(this);
    this.overruns = new Overruns({ clock, events });
    this.lifecycle = new Lifecycle(this);
    const parts = consumerPartsOf(this, this.dedupe, onScheduled);
    const warn = (code: string, message: string): void => events.emit('warning', { code, message });
    this.consumers = new Consumers({ ...parts, leases, route: this.route, warn });
    this.balanced = new BalancedServices(driver, parts, this.options);
    const consumers = () => this.consumers.read.map((plan) => ({ plan }));
    this.retainer = createRetainer({ ...this.options, clock, events, driver, consumers });
    const consumed = () => this.consumers.read.flatMap(({ tables }) => [...tables.keys()]);
    this.lag = new LagWatch({ ...this.options, clock, events, driver, consumed });
    this.admin = createAdmin({
      options: this.options,
      slots: this.slots,
      lag: this.lag,
      onScheduled: this.onScheduled,
      events,
    });
  }

  /**
   * Starts reading for these handlers. If one cannot start, closes everything and rejects.
   * @throws InvalidOptionsError, HandlerConflictError, WildcardWithoutStreamError,
   * OrderConflictError
   */
  async start(definitions: readonly HandlerDefinition[]): Promise<void> {
    try {
      const readings = await this.subscribe(definitions);
      this.lifecycle.started(streamsByGroup(readings));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Starts reading for these handlers beside those that run. If one cannot start, undoes all of it
   * and rejects.
   * @param settings where they differ from those of the transport
   * @throws ClosedError, and as {@link start}
   */
  async subscribe(
    definitions: readonly HandlerDefinition[],
    settings: ResolvedOptions & SubscribeSettings = this.options,
  ): Promise<Reading[]> {
    const [balanced, handlers] = divided(bindHandlers(definitions, settings));
    if (definitions.some(({ answers }) => answers)) repliesOf(this.driver, this.slots.technology);
    requireDedupeStores(handlers, this.dedupe, this.slots.technology);
    this.commits.requireStore();
    requireStrategies([...handlers, ...balanced], settings.deadLetter, this.slots, this.events);
    const shared = sharedGroupWarning(handlers, this.options);
    if (shared) this.events.emit('warning', shared);
    if (!this.working)
      sourceWarnings(this.driver).forEach((one) => this.events.emit('warning', one));
    const balance = this.balanced.prepare(balanced);
    const readings = await this.consumers.subscribe(handlers, settings);
    this.scheduler?.keep(readings.map(({ table }) => table.stream));
    await balance();
    await (this.working ??= this.startWorkers());
    return readings;
  }

  /** `opened`: it reads nothing yet. `stopping`: it ends, or has ended. */
  get phase(): 'opened' | 'reading' | 'stopping' {
    if (this.draining) return 'stopping';
    return this.working ? 'reading' : 'opened';
  }

  /** Begins to connect, so that the first command need not wait. */
  connect(): void {
    this.slots.connect();
  }

  /**
   * Ends consuming gracefully. Publishing still works. A run that calls this waits for the other
   * runs only, see {@link endFor}. Idempotent.
   */
  drain(): Promise<void> {
    return endFor(this.clock, this.drainAll(), () => this.othersEnded());
  }

  /**
   * Drains, then closes the connections. A run that calls this waits as for `drain`. Idempotent.
   */
  close(): Promise<void> {
    this.closing ??= this.drainAll()
      .then(() => this.shutdown.limit('closed', () => this.closeAll()))
      .finally(() => this.whenClosed.forEach((callback) => callback()));
    return endFor(this.clock, this.closing, () => this.othersEnded());
  }

  private drainAll(): Promise<void> {
    if (this.draining) return this.draining;
    this.draining = this.shutdown.limit('drained', () =>
      Promise.all([this.consumers.stop(), this.balanced.stop(), this.retainer?.stop()]),
    );
    this.lifecycle.stopping(this.draining);
    return this.draining;
  }

  private async othersEnded(): Promise<boolean> {
    const { consumers, balanced } = this;
    return (await Promise.all([consumers.othersEnded(), balanced.othersEnded()])).includes(true);
  }

  private async closeAll(): Promise<void> {
    this.producer.close();
    await Promise.all([this.lag.stop(), this.chaining.stop()]);
    await Promise.all([...this.requesters].map((requester) => requester.close()));
    // What the scheduler has under way ends with the connection, however long an outage lasts.
    await Promise.all([this.scheduler?.stop(), this.slots.close()]);
  }

  /**
   * Makes the requester of one client. Its answers arrive in a reply box of its own.
   * @throws UnsupportedFeatureError where the driver has no port replies
   */
  createRequester(): Requester {
    const requester: Requester = new Requester({
      replies: repliesOf(this.driver, this.slots.technology),
      source: this.producer.outlet,
      clock: this.clock,
      onClosed: () => this.requesters.delete(requester),
    });
    this.requesters.add(requester);
    return requester;
  }

  /**
   * A process that schedules messages also promotes them. Other processes may have to look first.
   */
  private readonly onScheduled = (stream: string, when: When): void => {
    this.scheduler?.expect(stream, when);
    void this.scheduler?.start();
  };

  private async startWorkers(): Promise<void> {
    await this.scheduler?.start();
    await this.retainer?.start();
    await this.lag.start();
  }
}
