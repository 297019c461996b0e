import { randomBytes } from 'node:crypto';
import type { KafkaMessage, Message } from 'kafkajs';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsEventName, StreamsEvents } from '../../lib/core/events.js';
import type { KafkaOptions } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { kafka } from '../../lib/drivers/kafka/kafka.driver.js';
import type { Lease } from '../../lib/core/lease.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { SubscribeOptions, Subscription } from '../../lib/ports/subscription.js';
import type { TestKafka } from './kafka.js';
import { pace } from './passing-time.js';
import { until } from './until.js';

/** Drivers on one broker, their events, and what other programs write and read there. */
export class KafkaWorld {
  readonly events = new EventBus();
  private readonly drivers: Driver[] = [];
  private readonly subscriptions: Subscription[] = [];

  constructor(private readonly server: Pick<TestKafka, 'brokers' | 'prefix' | 'client'>) {}

  /** The topic of a stream, or a name that belongs to this test file. */
  topic(stream: string): string {
    return this.server.prefix + stream;
  }

  driver(options: Omit<KafkaOptions, 'brokers'> = {}): Driver {
    const { brokers, prefix: keyPrefix } = this.server;
    const opened = kafka({ ...options, brokers }).open({ events: this.events, keyPrefix });
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

  /**
   * Takes so many leases, and starts their runs, as they come.
   * @throws Error where they do not come within 20 seconds
   */
  async take(subscription: Subscription, count: number): Promise<Lease[]> {
    const leases: Lease[] = [];
    const deadline = Date.now() + 20_000;
    while (leases.length < count) {
      const some = await subscription.pull(count - leases.length);
      const waiting = some.filter(({ charged }) => !charged);
      const outcomes = await Promise.all(waiting.map((lease) => subscription.begin(lease)));
      const failed = outcomes.find((outcome) => outcome !== 'started');
      if (failed) throw new Error(`A run is not started: ${failed}`);
      leases.push(...some);
      if (Date.now() > deadline) throw new Error(`Only ${leases.length} of ${count} have come.`);
      // A closed subscription answers at once.
      await pace(0);
    }
    return leases;
  }

  /** Another program writes to a topic. */
  async send(topic: string, ...messages: Message[]): Promise<void> {
    const producer = this.server.client.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    await producer.send({ topic, messages });
    await producer.disconnect();
  }

  /** Another program reads a topic from its beginning, until so many messages have come. */
  async read(topic: string, count: number): Promise<(KafkaMessage & { partition: number })[]> {
    const groupId = this.topic(`reader-${randomBytes(4).toString('hex')}`);
    const consumer = this.server.client.consumer({ groupId, maxWaitTimeInMs: 100 });
    const read: (KafkaMessage & { partition: number })[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => void read.push({ ...message, partition }),
    });
    try {
      await until(`${count} messages of ${topic} are read`, () => read.length >= count);
    } finally {
      await consumer.disconnect();
    }
    return read;
  }

  /** Closes subscriptions and drivers. The topics are deleted by `cleanup` of the server. */
  async close(): Promise<void> {
    for (const subscription of this.subscriptions) await subscription.close();
    for (const { source } of this.drivers) await source.close();
  }
}
