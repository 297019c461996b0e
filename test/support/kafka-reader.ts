import { EventBus } from '../../lib/core/event-bus.js';
import type { Lease } from '../../lib/core/lease.js';
import { ack } from '../../lib/core/settlement.js';
import type { StreamsEventName } from '../../lib/core/events.js';
import type { KafkaOptions } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { kafka } from '../../lib/drivers/kafka/kafka.driver.js';
import type { KafkaSource } from '../../lib/drivers/kafka/source/kafka.source.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { SubscribeOptions, Subscription } from '../../lib/ports/subscription.js';

/** A consumer of a group, as the engine would be: takes leases, and acknowledges them. */
export class KafkaReader {
  readonly events = new EventBus();
  /** What was handed out, in order. */
  readonly handed: Lease[] = [];
  /** Ids that were acknowledged, in order. */
  readonly settled: string[] = [];
  /** Events that came, in order. */
  readonly told: { readonly name: StreamsEventName; readonly event: unknown }[] = [];
  readonly driver: Driver;
  subscription!: Subscription;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(
    options: KafkaOptions,
    private readonly prefix: string,
    private readonly subscribing: Partial<SubscribeOptions> = {},
  ) {
    for (const name of TOLD) this.events.on(name, (event) => this.told.push({ name, event }));
    this.driver = kafka({ metadataMaxAge: 500, ...options }).open({
      ...{ events: this.events, keyPrefix: prefix },
    });
  }

  async open(): Promise<this> {
    this.subscription = await this.driver.source.subscribe({
      ...{ streams: ['orders'], group: `${this.prefix}shop`, consumer: 'one', startId: '0' },
      ...{ blockTimeout: 200, idleTimeout: 6000, reclaimInterval: 200 },
      ...this.subscribing,
    });
    return this;
  }

  /** The ids that were handed out. */
  get ids(): string[] {
    return this.handed.map(({ id }) => id);
  }

  /** How many events of this name came. */
  count(name: StreamsEventName): number {
    return this.told.filter((one) => one.name === name).length;
  }

  async pull(limit = 100): Promise<Lease[]> {
    const leases = await this.subscription.pull(limit);
    this.handed.push(...leases);
    return leases;
  }

  async acknowledge(leases: readonly Lease[]): Promise<void> {
    const outcomes = await this.driver.source.settle(
      leases.map((lease) => ({ lease, settlement: ack })),
    );
    for (const [at, { id }] of leases.entries())
      if (outcomes[at] === 'settled') this.settled.push(id);
  }

  /** From now on takes and acknowledges, until it is closed. */
  run(limit = 100): this {
    this.running ??= this.takeAll(limit);
    return this;
  }

  /** Ends like an engine: settles what it has, and leaves. */
  async close(): Promise<void> {
    this.stopped = true;
    await this.subscription?.stop();
    await this.running;
    await this.subscription?.close();
    await this.driver.source.close();
  }

  /** Ends without a word, like a process that is killed. */
  async vanish(): Promise<void> {
    this.stopped = true;
    (this.driver.source as KafkaSource).silence();
    await this.running;
  }

  private async takeAll(limit: number): Promise<void> {
    while (!this.stopped) {
      const leases = await this.pull(limit);
      if (!this.stopped) await this.acknowledge(leases);
    }
  }
}

const TOLD: readonly StreamsEventName[] = [
  'partitions-assigned',
  'partitions-revoked',
  'messages-lost',
  'stream-unreadable',
  'worker-error',
];
