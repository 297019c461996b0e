import { Controller, Logger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload, type AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  ConsumerGroupManager,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamConsumers,
  StreamHandler,
  StreamPublisher,
  type SettledEvent,
} from 'nestjs-redis-streams';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { appModule } from '../support/nest-app.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis.cleanup());

let spaces = 0;
let keyPrefix: string;
beforeEach(() => (keyPrefix = `${redis.prefix}${++spaces}:`));

const handled: string[] = [];
beforeEach(() => void handled.splice(0));

@Controller()
class Paid {
  @StreamHandler('order.paid', { stream: 'orders' })
  paid(@Payload() { n }: { n: number }): void {
    handled.push(`paid ${n}`);
  }
}

/** The next version. */
@Controller()
class PaidAndShipped extends Paid {
  @StreamHandler('order.shipped', { stream: 'orders' })
  shipped(@Payload() { n }: { n: number }): void {
    handled.push(`shipped ${n}`);
  }
}

const module = (controllers: Type[], options: object = {}) =>
  appModule({
    imports: [
      RedisStreamsModule.forRoot({
        url: redis.url,
        keyPrefix,
        group: 'shop',
        blockTimeout: 200,
        ...options,
      }),
    ],
    controllers,
  });

async function start(controllers: Type[], options: object = {}) {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
    module(controllers, options),
    {
      inject: [RedisStreamsTransport],
      useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
      logger: false,
    },
  );
  onTestFinished(() => app.close());
  const settled: SettledEvent[] = [];
  app.get(RedisStreamsTransport).on('settled', (event) => settled.push(event));
  await app.listen();
  return { app, settled, publisher: app.get(StreamPublisher) };
}

describe('consumers of one group with different events', () => {
  it('a rolling deploy: the old version hands over what only the new one handles', async () => {
    const [v1, v2] = await Promise.all([start([Paid]), start([PaidAndShipped])]);
    for (let n = 0; n < 20; n++) {
      await v1.publisher.publish('order.paid', { n }, { stream: 'orders' });
      await v1.publisher.publish('order.shipped', { n }, { stream: 'orders' });
    }
    await until('all were handled', () => handled.length === 40);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    const wanted = numbers.flatMap((n) => [`paid ${n}`, `shipped ${n}`]);
    expect(new Set(handled)).toEqual(new Set(wanted));
    const all = [...v1.settled, ...v2.settled];
    expect(all.map(({ outcome }) => outcome)).not.toContain('filtered');
  });

  it('two StreamConsumers of one group each get all of their events', async () => {
    const contexts = await Promise.all(
      [0, 1].map(() => NestFactory.createApplicationContext(module([]), { logger: false })),
    );
    onTestFinished(
      async () => void (await Promise.all(contexts.map((context) => context.close()))),
    );
    const got: Record<string, number[]> = { x: [], y: [] };
    for (const [index, type] of ['x', 'y'].entries()) {
      const consumers = contexts[index]!.get(StreamConsumers);
      const consumer = consumers.create<Record<string, number>>({ stream: 'events' });
      void consumer.subscribe(
        ({ eventType, payload }) => {
          got[eventType]!.push(payload);
          return eventType === type;
        },
        [type],
      );
    }
    const publisher = contexts[0]!.get(StreamPublisher);
    for (let n = 0; n < 30; n++) {
      await publisher.publish('x', n, { stream: 'events' });
      await publisher.publish('y', n, { stream: 'events' });
    }
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    await until('all were handled', () => got['x']!.length + got['y']!.length >= 60);
    expect(got['x']!.toSorted((a, b) => a - b)).toEqual(numbers);
    expect(got['y']!.toSorted((a, b) => a - b)).toEqual(numbers);
  });

  it('lists who lives, and logs the first event of a type that no consumer handles', async () => {
    const lines: string[] = [];
    vi.spyOn(Logger.prototype, 'log').mockImplementation((line: string) => void lines.push(line));
    onTestFinished(() => void vi.restoreAllMocks());
    const { app, settled, publisher } = await start([Paid], { application: 'shop', consumer: 'w' });
    const { consumers } = await app.get(ConsumerGroupManager).liveConsumers('orders', 'shop');
    expect(consumers).toMatchObject([
      { consumer: 'w', events: ['order.paid'], state: 'live', process: { application: 'shop' } },
    ]);
    for (let n = 0; n < 3; n++) await publisher.publish('order.lost', { n }, { stream: 'orders' });
    await until('they are filtered', () => {
      return settled.filter(({ outcome }) => outcome === 'filtered').length === 3;
    });
    expect(lines.filter((line) => line.startsWith('Messages "order.lost"'))).toEqual([
      'Messages "order.lost" of stream "orders" and group "shop" are acknowledged and not handled, since ' +
        'no consumer of the group handles them. Add a handler for them, or set the option unmatched to ' +
        '"dead-letter".',
    ]);
  });
});
