import type {
  DriverContext,
  Lease,
  SubscribeOptions,
  Subscription,
} from 'nestjs-redis-streams/driver';
import type { Feed, FileLease } from './feed.js';
import type { Store } from './store.js';

/** A consumer of a group, on one or many streams. */
export class FileSubscription implements Subscription {
  private watched: ReadonlySet<string> | undefined;
  private stopped = false;

  constructor(
    private readonly store: Store,
    private readonly feeds: Feed[],
    private readonly options: SubscribeOptions,
    private readonly context: DriverContext,
    private readonly onClosed: () => void = () => undefined,
    readonly began?: ReadonlyMap<string, string>,
  ) {}

  // #region pull
  async pull(limit: number): Promise<Lease[]> {
    const { clock } = this.store;
    const end = clock.now() + this.options.blockTimeout;
    for (;;) {
      const leases = this.stopped ? [] : this.take(limit);
      const left = end - clock.now();
      if (this.stopped || leases.length > 0 || left <= 0) return leases;
      await this.wait(Math.min(left, this.options.reclaimInterval));
    }
  }

  /** What other consumers have left comes first. Each pull begins with another stream. */
  private take(limit: number): Lease[] {
    const { group, idleTimeout } = this.options;
    this.feeds.push(...this.feeds.splice(0, 1));
    const feeds = this.feeds.filter(({ stream }) => this.watched?.has(stream) ?? true);
    const leases: Lease[] = [];
    for (const feed of feeds) {
      const taken = feed.takeOver(limit - leases.length, idleTimeout);
      const reclaimed = { stream: feed.stream, group, count: taken.length };
      if (taken.length > 0) this.context.events.emit('reclaimed', reclaimed);
      leases.push(...taken);
    }
    for (const feed of feeds) leases.push(...feed.takeNew(limit - leases.length));
    return leases;
  }

  /** Until there may be an entry, for `ms` milliseconds at most. */
  private wait(ms: number): Promise<void> {
    const { clock, waiting } = this.store;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(wake, ms);
      waiting.add(wake);
      function wake(): void {
        clock.clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      }
    });
  }
  // #endregion

  async begin(lease: Lease) {
    return own(lease).feed.begin(own(lease));
  }

  async extend(leases: readonly Lease[]) {
    return leases.map((lease) => own(lease).feed.extend(own(lease)));
  }

  forget(lease: Lease, left = false): void {
    own(lease).feed.forget(own(lease), left);
  }

  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    this.store.wake();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.store.wake();
  }

  async close(): Promise<void> {
    await this.stop();
    this.onClosed();
  }
}

const own = (lease: Lease): FileLease => lease as FileLease;
