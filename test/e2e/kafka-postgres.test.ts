import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Controller } from '@nestjs/common';
import { Ctx } from '@nestjs/microservices';
import {
  ConsumerStates,
  DeadLetters,
  StreamBatchContext,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
  type SettledEvent,
  type StreamsModuleOptions,
} from 'nestjs-redis-streams';
import { kafkaPostgres } from 'nestjs-redis-streams/kafka-postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { loaded } from '../support/config-file.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { appModule, createApp } from '../support/nest-app.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import type { RecordedOrder } from '../support/recorded-orders.js';

/** The second program of the consumer pattern, as a file. */
const FILE = fileURLToPath(new URL('../unit/config/files/payments-config.yaml', import.meta.url));
const TOPIC = 'payments.pending';
const GROUP = 'payment-processor-group';
const PARTITIONS = 3;

/** 40 payments: four succeed at the third run, and one fails each of its six runs. */
const PAYMENTS: readonly RecordedOrder[] = Array.from({ length: 40 }, (_, at) => ({
  number: at + 1,
  ...((at + 1) % 10 === 0 && { succeedsAt: 3 }),
  ...(at + 1 === 7 && { succeedsAt: 7 }),
}));
const COUNTS = { handled: 39, retried: 4 * 2 + 5, 'dead-lettered': 1 };

/** Books payments in batches, and says itself how far it has come. */
@Controller()
class Payments {
  readonly booked: number[] = [];
  readonly sizes: number[] = [];
  commits = true;

  @StreamHandler<RecordedOrder>('*', { batch: {} })
  async book(@Ctx() context: StreamBatchContext<RecordedOrder>): Promise<void> {
    this.sizes.push(context.items.length);
    for (const item of context.items) {
      const { number, succeedsAt = 1 } = item.payload;
      if (item.attempt < succeedsAt) item.retry(20);
      else this.booked.push(number);
    }
    if (this.commits) context.commit();
  }
}

describe(
  'the second program of the consumer pattern, on Kafka and PostgreSQL',
  needsKafka(),
  () => {
    let kafka: TestKafka;
    let postgres: TestPostgres;
    let keyPrefix: string;
    let number = 0;
    beforeAll(async () => {
      [kafka, postgres] = await Promise.all([testKafka(), testPostgres()]);
    });
    afterAll(async () => {
      await kafka.cleanup();
      await postgres.cleanup();
    });
    beforeEach(async () => {
      const name = `run${++number}.`;
      keyPrefix = kafka.prefix + name;
      await kafka.createTopic(name + TOPIC, PARTITIONS);
    });

    /** As in the seed; of the addresses, those of the test's servers. */
    const program = () =>
      kafkaPostgres({
        messageSource: { brokers: kafka.brokers },
        stateStore: { url: postgres.url },
        group: GROUP,
        stream: TOPIC,
        maxDeliveries: 1 + 5,
        batch: { size: 10 },
        commits: { name: 'payment-processor', auto: false },
      });
    const file = () => {
      const { host, port, pathname, username, password } = new URL(postgres.url);
      const text = readFileSync(FILE, 'utf8')
        .replace('localhost:9092', kafka.brokers[0]!)
        .replace('"localhost"', `"${host.split(':')[0]}"`)
        .replace('5432', port)
        .replace(
          '"prism"',
          `"${pathname.slice(1)}"\n      user: "${username}"\n      password: "${decodeURIComponent(password)}"`,
        );
      return loaded(text, 'payment-processor');
    };

    async function start(options: StreamsModuleOptions) {
      // By itself, the wait between runs is a second at least.
      const streams = StreamsModule.forRoot({
        ...options,
        keyPrefix,
        backoff: { type: 'fixed', delay: 20 },
      });
      const app = await createApp(appModule({ imports: [streams], controllers: [Payments] }));
      onTestFinished(() => app.close());
      const counts: Record<string, number> = {};
      const transport = app.get(StreamsTransport);
      transport.on('settled', ({ outcome }: SettledEvent) => {
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      });
      await app.listen();
      return { app, counts, payments: app.get(Payments) };
    }

    it.each([
      ['by kafkaPostgres()', program],
      ['by its file', file],
    ])(
      '%s: batches of 10, five retries, dead letters on Kafka, state in PostgreSQL',
      async (_, options) => {
        const { app, counts, payments } = await start(options());
        await app.get(StreamPublisher).publishBatch(
          PAYMENTS.map((payload) => ({
            ...{ eventType: 'payment.pending', payload, stream: TOPIC },
            key: `customer-${payload.number % 5}`,
          })),
        );
        await expect.poll(() => counts, { timeout: 15_000 }).toEqual(COUNTS);
        expect(Math.max(...payments.sizes)).toBe(10);
        expect(payments.booked.toSorted((a, b) => a - b)).toEqual(
          PAYMENTS.map((payment) => payment.number).filter((one) => one !== 7),
        );
        const { items } = await app.get(DeadLetters).list(TOPIC);
        expect(items).toMatchObject([
          {
            attempts: 6,
            group: GROUP,
            reason: 'max-deliveries',
          },
        ]);
        const states = await app.get(ConsumerStates).list(TOPIC);
        expect(states.length).toBeGreaterThan(1);
        for (const { partition, offset, name } of states) {
          expect(name).toBe('payment-processor');
          expect(offset).toMatch(new RegExp(`^${partition}-\\d+$`));
        }
      },
    );

    it('moves the record only when the handler says so', async () => {
      const { app, counts, payments } = await start(program());
      payments.commits = false;
      const publisher = app.get(StreamPublisher);
      const publish = (count: number) =>
        publisher.publishBatch(
          PAYMENTS.slice(0, count).map(({ number: n }) => ({
            ...{
              eventType: 'payment.pending',
              payload: { number: n },
              stream: TOPIC,
              partition: 1,
            },
          })),
        );
      await publish(10);
      await expect.poll(() => counts['handled'], { timeout: 10_000 }).toBe(10);
      const states = app.get(ConsumerStates);
      expect(await states.list(TOPIC)).toEqual([]);
      payments.commits = true;
      await publish(10);
      await expect
        .poll(() => states.get(TOPIC, { partition: '1' }), { timeout: 10_000 })
        .toMatchObject({ offset: '1-19' });
    });
  },
);
