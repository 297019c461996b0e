import type { NatsConnection as Client } from '@nats-io/transport-node';
import { systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { Subscription, SubscribeOptions } from '../../../ports/subscription.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { typedError } from '../errors/typed-error.js';
import type { Names } from '../names/names.js';
import { BufferUse, type BufferLimits } from './core-buffer.js';
import { CoreFeed } from './core-feed.js';
import { ownLease } from './core.lease.js';
import { LostMessages } from './lost-messages.js';

export interface CoreSubscriptionParts {
  readonly connection: NatsConnection;
  readonly events: EventBus;
  readonly names: Names;
  /** Of all streams of a subscription together. */
  readonly limits: BufferLimits;
  readonly onClosed: (subscription: CoreSubscription) => void;
}

/**
 * A member of the queue group of each of its streams. What arrives waits in this process, up to a limit,
 * until it is handed out.
 */
export class CoreSubscription implements Subscription {
  private feeds: readonly CoreFeed[] = [];
  private readonly lost: readonly LostMessages[];
  private readonly use: BufferUse;
  private readonly listening: readonly (() => void)[];
  private refused: Error | undefined;
  /** Ends the wait of a `pull`. */
  private wake: (() => void) | undefined;
  /** Called when all messages that have arrived were handed out. */
  private onEmpty: (() => void) | undefined;
  private turn = 0;
  private stopped = false;
  /** The connection broke, and is not there again. */
  private isAway = false;
  private closed: Promise<void> | undefined;

  constructor(
    private readonly options: SubscribeOptions,
    private readonly parts: CoreSubscriptionParts,
  ) {
    const { connection, events, limits } = parts;
    const { group } = options;
    this.use = new BufferUse(limits);
    this.lost = [...new Set(options.streams)].map(
      (stream) => new LostMessages(events, { stream, group }),
    );
    this.listening = [
      connection.onDisconnect(() => void (this.isAway = true)),
      connection.onReconnect(() => this.cameBack()),
    ];
  }

  /** Joins the queue groups. Resolves when the server sends messages. */
  async open(): Promise<void> {
    const { connection } = this.parts;
    const client = await connection.client('subscribing');
    this.feeds = this.lost.map((lost) => this.feedOf(lost, client));
    for (const feed of this.feeds) feed.read();
    await connection.flush('subscribing');
    if (this.refused) throw this.refused;
  }

  async pull(limit: number): Promise<Lease[]> {
    const leases = this.take(limit);
    if (leases.length > 0 || this.stopped) return leases;
    await this.untilArrival();
    return this.take(limit);
  }

  async begin(lease: Lease): Promise<BeginOutcome> {
    return ownLease(lease).begin();
  }

  async extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    return leases.map((lease) => (ownLease(lease).held ? 'held' : 'gone'));
  }

  forget(lease: Lease): void {
    ownLease(lease).end();
  }

  watch(streams: ReadonlySet<string>): void {
    for (const feed of this.feeds) {
      feed.watched = streams.has(feed.stream);
      if (feed.watched && !this.stopped) feed.read();
      else void feed.leave();
    }
    this.wake?.();
  }

  async drain(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.leave()));
    if (this.stopped || this.waiting === 0) return;
    await new Promise<void>((resolve) => (this.onEmpty = resolve));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.wake?.();
    this.onEmpty?.();
    await Promise.all(this.feeds.map((feed) => feed.leave()));
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    await this.stop();
    for (const end of this.listening) end();
    for (const feed of this.feeds) await feed.close();
    this.parts.onClosed(this);
  }

  /** @throws NatsGivenUpError, PermissionDeniedError */
  private take(limit: number): Lease[] {
    if (this.stopped) return [];
    const error = this.parts.connection.failure ?? this.refused;
    if (error) throw error;
    const leases: Lease[] = [];
    // Begins with another stream each time, so that a busy stream does not starve the others.
    this.turn++;
    for (let at = 0; at < this.feeds.length && leases.length < limit; at++) {
      const feed = this.feeds[(this.turn + at) % this.feeds.length]!;
      if (feed.watched) takeFrom(feed, limit, leases);
    }
    if (this.onEmpty && this.waiting === 0) this.onEmpty();
    return leases;
  }

  /** Number of messages that wait in streams which are watched. */
  private get waiting(): number {
    return this.feeds.reduce((sum, { watched, waiting }) => sum + (watched ? waiting : 0), 0);
  }

  /** Resolves when a message has arrived, after `blockTimeout`, or at `stop`. */
  private untilArrival(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        systemClock.clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = systemClock.setTimeout(done, this.options.blockTimeout);
      this.wake = done;
    });
  }

  private feedOf(lost: LostMessages, client: Client): CoreFeed {
    const { stream } = lost.of;
    return new CoreFeed({
      ...{ client, stream, lost, use: this.use },
      subject: this.parts.names.subject(stream),
      asking: this.parts.names.readers(stream),
      group: this.options.group,
      onArrival: () => this.wake?.(),
      onError: (error) => {
        this.refused ??= typedError(error, `subscribing to "${stream}"`);
        this.wake?.();
      },
    });
  }

  /** What was published meanwhile is gone. */
  private cameBack(): void {
    if (!this.isAway) return;
    this.isAway = false;
    for (const feed of this.feeds) if (feed.reads) feed.lose(undefined, 'outage');
  }
}

function takeFrom(feed: CoreFeed, limit: number, leases: Lease[]): void {
  while (leases.length < limit) {
    const lease = feed.take();
    if (!lease) return;
    leases.push(lease);
  }
}
