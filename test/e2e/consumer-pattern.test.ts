import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { headers } from '@nats-io/transport-node';
import {
  DeadLetters,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
  type SettledEvent,
  type StreamsModuleOptions,
} from 'nestjs-redis-streams';
import { natsRedis, type NatsRedisOptions } from 'nestjs-redis-streams/nats-redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loaded } from '../support/config-file.js';
import { appModule, createApp } from '../support/nest-app.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { RecordedOrders, type RecordedOrder } from '../support/recorded-orders.js';
import { startRedis } from '../support/redis-server.js';

/** The file of the consumer pattern, to the letter. */
const FILE = fileURLToPath(new URL('../unit/config/files/consumer-config.yaml', import.meta.url));
const TOPIC = 'orders.created';
const GROUP = 'order-processor-group';
const KEPT_UNDER = `consumer:${GROUP}:${TOPIC}:order-processor`;

/** 20 orders: four of them succeed at the second run, and one fails each of its four runs. */
const ORDERS: readonly RecordedOrder[] = Array.from({ length: 20 }, (_, at) => ({
  number: at + 1,
  ...((at + 1) % 5 === 0 && { succeedsAt: 2 }),
  ...(at + 1 === 7 && { succeedsAt: 5 }),
}));
/** Each message comes to its end once: 19 processed, 1 given up. */
const COUNTS = { handled: 19, retried: 4 + 3 };

describe('the programs of the consumer pattern', needsNats(), () => {
  let server: TestNats;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let state: Redis;
  beforeAll(async () => {
    server = await testNats();
    redis = await startRedis();
    state = new Redis(redis.url);
  });
  afterAll(async () => {
    state.disconnect();
    await redis.stop();
    await server.cleanup();
  });

  async function start(options: StreamsModuleOptions) {
    // By itself, the wait between runs is a second at least.
    const streams = StreamsModule.forRoot({ ...options, backoff: { type: 'fixed', delay: 20 } });
    const app = await createApp(appModule({ imports: [streams], controllers: [RecordedOrders] }));
    onTestFinished(() => app.close());
    const counts: Record<string, number> = {};
    const warnings: string[] = [];
    const lost: unknown[] = [];
    const transport = app.get(StreamsTransport);
    transport.on('settled', ({ outcome }: SettledEvent) => {
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    });
    transport.on('warning', ({ code }) => warnings.push(code));
    transport.on('messages-lost', (event) => lost.push(event));
    await app.listen();
    const publisher = app.get(StreamPublisher);
    const publish = async () => {
      for (const order of ORDERS)
        await publisher.publish('order.created', order, { stream: TOPIC });
    };
    const ended = (given: string) =>
      expect.poll(() => counts, { timeout: 10_000 }).toEqual({ ...COUNTS, [given]: 1 });
    return { app, orders: app.get(RecordedOrders), warnings, lost, publish, ended };
  }

  const record = async () => {
    const text = await state.get(KEPT_UNDER);
    await state.flushall();
    return JSON.parse(text!) as Record<string, unknown>;
  };

  describe('1: messages on core NATS, state on Redis', () => {
    const program = (others: NatsRedisOptions = {}) =>
      natsRedis({
        messageSource: { url: server.url },
        stateStore: { url: redis.url },
        group: GROUP,
        stream: TOPIC,
        maxDeliveries: 1 + 3,
        concurrency: 1,
        commits: { name: 'order-processor', auto: true },
        ...others,
      });

    it('processes one at a time, retries three times, and keeps its state', async () => {
      const { app, orders, warnings, publish, ended } = await start(program());
      await publish();
      await ended('dropped');
      expect(orders.most).toBe(1);
      expect(orders.processed.toSorted((a, b) => a - b)).toEqual(
        ORDERS.map(({ number }) => number).filter((number) => number !== 7),
      );
      expect(orders.runs.filter(([number]) => number === 7)).toEqual(
        [1, 2, 3, 4].map((n) => [7, n]),
      );
      expect(warnings).toContain('AT_MOST_ONCE');
      expect(warnings).toContain('NO_DEAD_LETTER_QUEUE');
      await app.close();
      expect(await record()).toMatchObject({
        offset: expect.stringMatching(/^\d{25}$/) as string,
        last_message_id: expect.stringMatching(/^\d{25}$/) as string,
        last_updated: expect.any(String) as string,
      });
    });

    it('takes messages of other programs, whose header names the event', async () => {
      const { orders } = await start(program());
      const named = headers();
      named.set('event_type', 'order.created');
      server.client.publish(TOPIC, JSON.stringify({ number: 1 }), { headers: named });
      await expect.poll(() => orders.processed).toEqual([1]);
    });

    it('runs what has arrived before it ends', async () => {
      const { app, orders, lost, publish } = await start(program());
      await publish();
      await app.close();
      expect(orders.processed).toHaveLength(19);
      expect(lost).toEqual([]);
      await state.flushall();
    });

    it('keeps dead letters on JetStream where a slot says so', async () => {
      const { app, publish, ended } = await start(
        program({ deadLetterQueue: { url: server.url } }),
      );
      await publish();
      await ended('dead-lettered');
      const { items } = await app.get(DeadLetters).list(TOPIC);
      expect(items).toMatchObject([
        {
          attempts: 4,
          group: GROUP,
          reason: 'max-deliveries',
          error: { message: 'order 7 is locked' },
        },
      ]);
      await app.get(DeadLetters).purge(TOPIC, { all: true });
    });
  });

  describe('the file', () => {
    /** Of the file only the addresses are replaced: those servers have other ports here. */
    const text = () =>
      readFileSync(FILE, 'utf8')
        .replaceAll('nats://localhost:4222', server.url)
        .replaceAll('localhost:6379', new URL(redis.url).host);

    it('runs as it stands', async () => {
      const { app, orders, publish, ended } = await start(loaded(text(), 'order-processor'));
      await publish();
      await ended('dead-lettered');
      expect(orders.most).toBe(1);
      const { items } = await app.get(DeadLetters).list(TOPIC);
      expect(items).toMatchObject([{ attempts: 4, group: GROUP, reason: 'max-deliveries' }]);
      await app.close();
      const kept = await record();
      expect(Number(kept['offset'])).toBeGreaterThan(0);
      expect(kept['last_message_id']).toMatch(/^\d+$/);
    });
  });
});
