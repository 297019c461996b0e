import { sleep, type Clock } from '../../core/clock.js';
import type { Driver } from '../../ports/driver.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { EventBus } from '../../core/event-bus.js';
import type { GroupLag } from '../../core/lag.js';
import type { LagOptions } from '../../options/lag-options.js';
import { list, text } from '../../core/option-schema/kinds.js';
import { refuse } from '../../core/option-schema/refuse.js';
import { isWildcard } from '../../core/routing.js';
import type { Worker } from '../../core/worker.js';
import { groupLags } from './group-lag.js';
import { LagAlarms } from './lag-alarms.js';

export interface LagWatchOptions {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly lag: Required<LagOptions>;
  /** The streams that this process consumes at present. */
  readonly consumed: () => Iterable<string>;
}

const STREAMS = list(text(), 'a list of names of streams');

type Listener = (lags: readonly GroupLag[]) => void;

interface Reading {
  readonly lags: readonly GroupLag[];
  /** The streams that were read. */
  readonly streams: readonly string[];
}

/** Reads lag: on demand, and at intervals while there are thresholds or listeners. */
export class LagWatch implements Worker {
  private readonly alarms: LagAlarms;
  private readonly named: readonly string[];
  private readonly followers = new Set<Listener>();
  /** Rows that are no groups of streams, by the name that stands for their stream. */
  private readonly others = new Map<string, () => Promise<GroupLag>>();
  private started = false;
  private stopped = false;
  private loop: Promise<void> | undefined;
  private rest = new AbortController();

  /** @throws UnsupportedFeatureError for thresholds that the driver cannot watch */
  constructor(private readonly options: LagWatchOptions) {
    const { thresholds, recovery } = options.lag;
    if (thresholds.length > 0) this.groups();
    this.alarms = new LagAlarms(thresholds, recovery);
    this.named = thresholds
      .flatMap(({ streams = [] }) => streams)
      .filter((stream) => !isWildcard(stream));
  }

  /**
   * @param streams @default the streams consumed here, and those that thresholds name
   * @returns a row for each group of each stream; none for a stream that does not exist
   * @throws InvalidOptionsError, UnsupportedFeatureError
   */
  async read(streams: readonly string[] = this.known()): Promise<GroupLag[]> {
    refuse(STREAMS.problems(streams, 'streams'));
    const others = streams.flatMap((name) => this.others.get(name) ?? []);
    const read = streams.filter((name) => !this.others.has(name));
    const groups = others.length > 0 && read.length === 0 ? undefined : this.groups();
    const [reports, rows] = await Promise.all([
      read.length > 0 ? groups!.describe(read) : [],
      Promise.all(others.map((other) => other())),
    ]);
    return [...reports.flatMap((report) => (report ? groupLags(report) : [])), ...rows];
  }

  /**
   * Reads one more row, which is no group of a stream, such as that of the outbox.
   * @param name what stands in place of the name of its stream. Rows with one name replace each other
   * @returns a function that ends this
   */
  include(name: string, row: () => Promise<GroupLag>): () => void {
    this.others.set(name, row);
    return () => void this.others.delete(name);
  }

  /** Calls the listener with each reading. @returns a function that ends this */
  follow(listener: Listener): () => void {
    this.followers.add(listener);
    this.watch();
    return () => {
      this.followers.delete(listener);
      if (!this.isWanted) this.rest.abort();
    };
  }

  /** Starts reading at intervals if there are thresholds. */
  async start(): Promise<void> {
    this.started = true;
    this.watch();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.rest.abort();
    await this.loop;
  }

  private known(): string[] {
    return [...new Set([...this.options.consumed(), ...this.named, ...this.others.keys()])];
  }

  private groups(): NonNullable<Driver['groups']> {
    const { groups, source } = this.options.driver;
    if (groups) return groups;
    const { technology } = source.capabilities;
    throw new UnsupportedFeatureError('Lag of groups', technology, 'Leave out thresholds.');
  }

  private get isWanted(): boolean {
    const { thresholds } = this.options.lag;
    return !this.stopped && (this.followers.size > 0 || (this.started && thresholds.length > 0));
  }

  private watch(): void {
    if (!this.isWanted) return;
    this.loop ??= this.run().finally(() => {
      this.loop = undefined;
      // A listener may have been added while the loop ended.
      this.watch();
    });
  }

  private async run(): Promise<void> {
    const { clock, lag } = this.options;
    while (this.isWanted) {
      await this.look();
      this.rest = new AbortController();
      // Jitter, so that processes that were started together do not read at the same moments.
      const wait = lag.interval * (0.75 + Math.random() / 4);
      if (this.isWanted) await sleep(clock, wait, this.rest.signal);
    }
  }

  private async look(): Promise<void> {
    const { events } = this.options;
    try {
      const known = this.known();
      const { lags, streams } = await this.read(known).then(
        (found) => ({ lags: found, streams: known }),
        (error: unknown) => this.readEach(known, error),
      );
      for (const change of this.alarms.check(lags, streams)) events.emit('stream-lag', change);
      for (const follower of this.followers) follower(lags);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /**
   * Reads each stream by itself, so that one unreadable stream, or one unreachable node of a
   * cluster, does not hide the others.
   * @returns the lags, and the streams that could be read
   */
  private async readEach(streams: readonly string[], error: unknown): Promise<Reading> {
    if (this.stopped || streams.length < 2) throw error;
    const reads = await Promise.allSettled(streams.map((stream) => this.read([stream])));
    if (reads.every(({ status }) => status === 'rejected')) throw error;
    const failed = reads.find((read) => read.status === 'rejected');
    if (failed) this.fail(failed.reason);
    return {
      lags: reads.flatMap((read) => (read.status === 'fulfilled' ? read.value : [])),
      streams: streams.filter((_, index) => reads[index]!.status === 'fulfilled'),
    };
  }

  private fail(thrown: unknown): void {
    this.options.events.emit('worker-error', { worker: 'lag monitor', error: thrown as Error });
  }
}
