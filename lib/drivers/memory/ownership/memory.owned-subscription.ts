import type { TimerHandle } from '../../../core/clock.js';
import type { DriverContext } from '../../../ports/driver.js';
import { StreamUnsettledError } from '../../../core/errors/balancing.errors.js';
import type { HeldStream } from '../../../core/held-stream.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type {
  OwnedSubscribeOptions,
  OwnedSubscription,
} from '../../../ports/owned-subscription.js';
import { OwnedReadings } from '../../../ports/owned-readings.js';
import { asFeedLease, type FeedLease } from '../reading/feed.js';
import type { GroupedLog } from '../broker/grouped-log.js';
import type { BrokerReader, MemoryBroker, Unfinished } from '../broker/memory.broker.js';
import type { MemoryStreamLocks } from './memory.stream-locks.js';
import { OwnedFeed } from './owned-feed.js';
import { OwnedReading } from './owned-reading.js';

export interface MemoryOwnedOptions extends OwnedSubscribeOptions {
  readonly broker: MemoryBroker;
  readonly context: DriverContext;
  readonly locks: MemoryStreamLocks;
  readonly consumer: string;
}

interface WaitingPull {
  readonly limit: number;
  readonly timer: TimerHandle;
  readonly resolve: (leases: Lease[]) => void;
}

/** The reader of all streams that one consumer owns. */
export class MemoryOwnedSubscription implements OwnedSubscription, BrokerReader {
  private readonly readings = new OwnedReadings<OwnedReading>();
  private waiting: WaitingPull | undefined;
  private stopped = false;

  constructor(private readonly options: MemoryOwnedOptions) {
    options.broker.register(this);
  }

  add(held: HeldStream): void {
    if (this.stopped || this.readings.of(held)?.ended === false) return;
    const { locks, group, onFinished, broker } = this.options;
    const guards = locks.guards(held);
    const allowed = (): boolean => broker.allows(guards) && locks.hasInput(held);
    const reading = new OwnedReading({
      owned: held,
      allowed,
      feeds: (own) => this.feedsOf(own, held, allowed),
      othersHave: () => locks.othersHave(held, group),
      complete: () => locks.completeNow(held, group) === 'settled',
      onFinished: (completed) => onFinished(held, completed),
      onChange: () => this.serve(),
    });
    this.readings.set(held.stream, reading);
    this.serve();
  }

  async letGo(held: HeldStream, complete = false): Promise<void> {
    const reading = this.readings.of(held);
    if (!reading) return;
    if (complete && reading.awaitsRetry) throw new StreamUnsettledError(held.stream);
    await reading.letGo();
    this.readings.forget(reading);
  }

  drop(held: HeldStream): void {
    const reading = this.readings.of(held);
    if (reading) this.readings.drop(reading);
  }

  async pull(limit: number): Promise<Lease[]> {
    const leases = this.take(limit);
    if (leases.length > 0 || this.stopped) return leases;
    const { broker, blockTimeout } = this.options;
    return new Promise((resolve) => {
      const timer = broker.clock.setTimeout(() => this.answer([]), blockTimeout);
      this.waiting = { limit, timer, resolve };
      broker.wait(this);
    });
  }

  serve(): void {
    if (!this.waiting) return;
    const leases = this.take(this.waiting.limit);
    if (leases.length > 0) this.answer(leases);
  }

  async begin(lease: Lease): Promise<BeginOutcome> {
    const own = asFeedLease(lease)!;
    const reading = this.readings.get(own.stream);
    const outcome = reading?.ended === false ? own.feed.begin(own) : 'lost';
    this.options.broker.changed();
    return outcome;
  }

  async extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    return leases.map((lease) => {
      const own = asFeedLease(lease)!;
      return own.feed.extend(own);
    });
  }

  forget(lease: Lease, left = false): void {
    const own = asFeedLease(lease)!;
    (own.feed as OwnedFeed).drop(own, left);
    this.options.broker.changed();
  }

  /** Does nothing: the load balancer decides which streams are read. */
  watch(): void {}

  async stop(): Promise<void> {
    this.stopped = true;
    this.answer([]);
  }

  async close(): Promise<void> {
    await this.stop();
    this.readings.dropAll();
    this.options.broker.unregister(this);
  }

  unfinished(): Unfinished[] {
    const { group } = this.options;
    return [...this.readings.values()].flatMap((reading) => {
      const { running, owned } = reading;
      const ready = this.stopped ? 0 : reading.countReady();
      if (ready === 0 && !running) return [];
      return { stream: owned.stream, group, ready, running: running ? [running.id] : [] };
    });
  }

  private take(limit: number): FeedLease[] {
    if (this.stopped) return [];
    const leases: FeedLease[] = [];
    for (const reading of [...this.readings.values()]) {
      const lease = leases.length < limit ? reading.next() : undefined;
      if (lease) leases.push(lease);
    }
    if (leases.length > 0) this.options.broker.changed();
    return leases;
  }

  private answer(leases: Lease[]): void {
    const { waiting } = this;
    if (!waiting) return;
    this.waiting = undefined;
    const { broker } = this.options;
    broker.clock.clearTimeout(waiting.timer);
    broker.endWait(this);
    waiting.resolve(leases);
  }

  private feedsOf(
    reading: OwnedReading,
    owned: HeldStream,
    allowed: () => boolean,
  ): [OwnedFeed, OwnedFeed] {
    const { broker, context, group: groupName, consumer, startId } = this.options;
    const { stream } = owned;
    const data = broker.stream(context.keyPrefix + stream);
    const feed = (log: GroupedLog, begin: string, redriven: boolean): OwnedFeed =>
      new OwnedFeed({
        ...{ stream, groupName, consumer, redriven, allowed, owned },
        ...{ idleTimeout: Infinity, takesOver: true, isReading: () => true },
        ...{ clock: broker.clock, events: context.events },
        entries: log.entries,
        group: log.group(groupName, begin),
        onSettled: (lease) => reading.settled(lease),
        onParked: (lease) => reading.parked(lease),
        onForgotten: (lease, left) => reading.forgotten(lease, left),
      });
    return [feed(data.log, startId, false), feed(data.redrivenTo(groupName), '0', true)];
  }
}
