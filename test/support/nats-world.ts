import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsEventName, StreamsEvents } from '../../lib/core/events.js';
import type { Lease } from '../../lib/core/lease.js';
import type { NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { SubscribeOptions, Subscription } from '../../lib/ports/subscription.js';
import { ack } from '../../lib/core/settlement.js';
import { api } from './nats-member.js';
import type { TestNats } from './nats.js';
import { pace } from './passing-time.js';

/** What JetStream answers for a durable, as far as tests look at it. */
export interface SeenDurable {
  readonly created: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly num_ack_pending: number;
  readonly num_pending: number;
  readonly num_waiting: number;
}

/** Drivers on one server, their events, and what the server itself knows. */
export class NatsWorld {
  readonly events = new EventBus();
  private readonly drivers: Driver[] = [];
  private readonly subscriptions: Subscription[] = [];
  private readonly watching: (() => void)[] = [];

  constructor(private readonly server: TestNats) {}

  driver(options: Omit<NatsOptions, 'url'> = {}): Driver {
    const opened = nats({ ...options, url: this.server.url }).open({
      events: this.events,
      keyPrefix: '',
    });
    this.drivers.push(opened);
    return opened;
  }

  record<N extends StreamsEventName>(name: N): StreamsEvents[N][] {
    const seen: StreamsEvents[N][] = [];
    this.events.on(name, (event) => seen.push(event));
    return seen;
  }

  async subscribe(
    driver: Driver,
    stream: string,
    options: Partial<SubscribeOptions> = {},
  ): Promise<Subscription> {
    const subscription = await driver.source.subscribe({
      ...{ streams: [stream], group: 'g', consumer: 'c', startId: '0' },
      ...{ blockTimeout: 200, idleTimeout: 2000, reclaimInterval: 100 },
      ...options,
    });
    this.subscriptions.push(subscription);
    return subscription;
  }

  async publish(driver: Driver, stream: string, ...values: string[]): Promise<string[]> {
    const entries = values.map((value) => ({
      stream,
      fields: ['event_type', 'e', 'payload', value],
    }));
    const results = await driver.source.publish(entries);
    for (const result of results) if (result instanceof Error) throw result;
    return results as string[];
  }

  /** Asks the server itself. */
  api<T>(subject: string, body?: object): Promise<T> {
    return api<T>(this.server.client, subject, body);
  }

  /** Counts the requests of all clients to a part of JetStream's API from now on. */
  watch(subject: string): { readonly count: number } {
    const seen = { count: 0 };
    const subscription = this.server.client.subscribe(`$JS.API.${subject}`, {
      callback: () => void seen.count++,
    });
    this.watching.push(() => subscription.unsubscribe());
    return seen;
  }

  /** Deletes the durable of a group, as an operator does. */
  async deleteDurable(stream: string, group = 'g'): Promise<void> {
    try {
      await this.api(`CONSUMER.DELETE.${stream}.${group}`);
    } catch (error) {
      // The server has forgotten the durable, and was about to write a file of it.
      if (!/directory not empty/.test((error as Error).message)) throw error;
    }
  }

  durable(stream: string, group = 'g'): Promise<SeenDurable> {
    return this.api(`CONSUMER.INFO.${stream}.${group}`);
  }

  /** A consumer that is stopped with this world, where its test has not done it. */
  drainer(driver: Driver, subscription: Subscription): Drainer {
    const made = new Drainer(driver, subscription);
    this.watching.push(() => made.end());
    return made;
  }

  async close(): Promise<void> {
    for (const end of this.watching) end();
    for (const subscription of this.subscriptions) await subscription.close();
    for (const { source } of this.drivers) await source.close();
  }
}

/** A consumer that acknowledges all that comes, until it is stopped. */
export class Drainer {
  /** Payloads, each as often as it came. */
  readonly seen = new Map<string, number>();
  private readonly loop: Promise<void>;
  private stopping = false;

  constructor(
    private readonly driver: Driver,
    private readonly subscription: Subscription,
  ) {
    this.loop = this.run();
  }

  /** It takes nothing more. */
  end(): void {
    this.stopping = true;
  }

  /** Payloads that came more than once. */
  get repeated(): number {
    return [...this.seen.values()].filter((times) => times > 1).length;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.subscription.stop();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      await this.settle(await this.subscription.pull(50));
      // A closed subscription answers at once: a test that failed would go on for ever.
      await pace(0);
    }
  }

  private async settle(leases: readonly Lease[]): Promise<void> {
    const running: Lease[] = [];
    for (const lease of leases) {
      if (!lease.charged && (await this.begin(lease)) !== 'started') {
        this.subscription.forget(lease);
        continue;
      }
      const value = lease.fields![3]!;
      this.seen.set(value, (this.seen.get(value) ?? 0) + 1);
      running.push(lease);
    }
    for (let left = running; left.length > 0;) {
      const outcomes = await this.driver.source.settle(
        left.map((lease) => ({ lease, settlement: ack })),
      );
      left = left.filter((_, at) => outcomes[at] instanceof Error);
      if (left.length > 0) await pace(20);
    }
  }

  /** Tries again while the server is away, as the engine does. */
  private async begin(lease: Lease): Promise<string> {
    for (;;) {
      try {
        return await this.subscription.begin(lease);
      } catch {
        if (this.stopping) return 'lost';
        await pace(20);
      }
    }
  }
}
