import type { Clock, TimerHandle } from '../../../core/clock.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { Subscription, SubscribeOptions } from '../../../ports/subscription.js';
import { asFeedLease, type Feed, type FeedLease } from './feed.js';
import type { BrokerReader, MemoryBroker, Unfinished } from '../broker/memory.broker.js';

interface WaitingPull {
  readonly limit: number;
  readonly timer: TimerHandle;
  readonly resolve: (leases: Lease[]) => void;
}

/** The reader of one consumer: hands out entries, or waits for some. */
export class MemorySubscription implements Subscription, BrokerReader {
  private readonly clock: Clock;
  private waiting: WaitingPull | undefined;
  private reclaimTimer: TimerHandle;
  /** A tick has passed, and some abandoned entries are not taken over yet. */
  private reclaimDue = false;
  private stopped = false;
  /** Undefined: all streams. */
  private watched: ReadonlySet<string> | undefined;
  private turn = 0;

  constructor(
    private readonly broker: MemoryBroker,
    private readonly feeds: readonly Feed[],
    private readonly options: SubscribeOptions,
    private readonly onClosed: (subscription: MemorySubscription) => void,
  ) {
    this.clock = broker.clock;
    broker.register(this);
    this.armReclaim();
  }

  async pull(limit: number): Promise<Lease[]> {
    if (this.waiting) throw new Error('A pull is under way: await it before the next one.');
    const leases = this.take(limit);
    if (leases.length > 0 || this.stopped) return leases;
    return new Promise((resolve) => {
      const timer = this.clock.setTimeout(() => this.answer([]), this.options.blockTimeout);
      this.waiting = { limit, timer, resolve };
      this.broker.wait(this);
    });
  }

  takeHanded(limit: number): Lease[] {
    const leases: FeedLease[] = [];
    if (this.stopped || this.isDisowned()) return leases;
    for (const feed of this.inTurn()) {
      if (this.watches(feed)) leases.push(...feed.taking.takeHanded(limit - leases.length));
    }
    if (leases.length > 0) this.broker.changed();
    return leases;
  }

  serve(): void {
    if (!this.waiting) return;
    const leases = this.take(this.waiting.limit);
    if (leases.length > 0) this.answer(leases);
  }

  async begin(lease: Lease): Promise<BeginOutcome> {
    const own = ownLease(lease);
    const outcome = own.feed.begin(own);
    this.broker.changed();
    return outcome;
  }

  async extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    return leases.map((lease) => {
      const own = ownLease(lease);
      return own.feed.extend(own);
    });
  }

  forget(lease: Lease, left?: boolean): void {
    const own = ownLease(lease);
    own.feed.held.forget(own, left);
    this.broker.changed();
  }

  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    this.serve();
    this.broker.changed();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.clock.clearTimeout(this.reclaimTimer);
    this.answer([]);
  }

  async close(): Promise<void> {
    await this.stop();
    for (const feed of this.feeds) feed.held.clear();
    this.broker.unregister(this);
    this.onClosed(this);
  }

  unfinished(): Unfinished[] {
    return this.feeds.flatMap((feed) => {
      const ready = this.stopped || !this.watches(feed) ? 0 : feed.taking.countReady();
      const running = feed.held.all.filter((lease) => !lease.parked);
      if (ready === 0 && running.length === 0) return [];
      const { stream } = feed;
      return { stream, group: this.options.group, ready, running: running.map(({ id }) => id) };
    });
  }

  private take(limit: number): FeedLease[] {
    if (this.stopped || this.isDisowned()) return [];
    const feeds = this.inTurn().filter((feed) => this.watches(feed));
    const leases: FeedLease[] = [];
    for (const feed of feeds) {
      leases.push(...feed.taking.takeOver(limit - leases.length, this.reclaimDue));
    }
    if (leases.length < limit) this.reclaimDue = false;
    for (const feed of feeds) leases.push(...feed.taking.takeNew(limit - leases.length));
    if (leases.length > 0) this.broker.changed();
    return leases;
  }

  private isDisowned(): boolean {
    const { guards, onDisowned } = this.options;
    if (this.broker.allows(guards)) return false;
    onDisowned?.();
    return true;
  }

  private watches({ stream }: Feed): boolean {
    return this.watched?.has(stream) ?? true;
  }

  /** Begins with another stream each time, so that a busy stream does not starve the others. */
  private inTurn(): Feed[] {
    this.turn = (this.turn + 1) % this.feeds.length;
    return [...this.feeds.slice(this.turn), ...this.feeds.slice(0, this.turn)];
  }

  private answer(leases: Lease[]): void {
    const { waiting } = this;
    if (!waiting) return;
    this.waiting = undefined;
    this.clock.clearTimeout(waiting.timer);
    this.broker.endWait(this);
    waiting.resolve(leases);
  }

  private armReclaim(): void {
    this.reclaimTimer = this.clock.setTimeout(() => {
      this.reclaimDue = true;
      for (const feed of this.feeds) feed.held.forgetLeft();
      this.serve();
      // A listener of the events just emitted may have stopped this subscription.
      if (!this.stopped) this.armReclaim();
    }, this.options.reclaimInterval);
  }
}

function ownLease(lease: Lease): FeedLease {
  const own = asFeedLease(lease);
  if (!own) throw new TypeError('This lease was not made by the memory driver.');
  return own;
}
