import { randomBytes } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  DeadLetters,
  fanOut,
  next,
  RedisStreamsModule,
  RedisStreamsTransport,
  RedisTransaction,
  StreamContext,
  StreamHandler,
  StreamPublisher,
  UnrecoverableError,
  Workflows,
  type SettledEvent,
} from 'nestjs-redis-streams';
import { MemoryTransaction } from 'nestjs-redis-streams/memory';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { appModule, createApp, startApp } from '../support/nest-app.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

interface Order {
  readonly order: string;
  readonly apples: number;
}

describe('a handler with an inbox in memory', () => {
  it('has its effects once, and none of a run that failed', async () => {
    let stock = 10;
    @Controller()
    class Stock {
      @StreamHandler<Order>('taken', {
        inbox: { key: ({ payload }) => payload.order },
        backoff: { delay: 10, jitter: 0 },
      })
      take(@Payload() { apples }: Order, @Ctx() context: StreamContext) {
        context.transaction<MemoryTransaction>().write(() => (stock -= apples));
        if (context.attempt === 1) context.retry(10);
        if (context.attempt === 2) throw new Error('no');
      }

      @StreamHandler('other')
      other(_: unknown, context: StreamContext) {
        context.transaction();
      }
    }
    const { publish, kit } = await startApp({ controllers: [Stock] });
    await publish('taken', { order: 'a', apples: 3 });
    expect(stock).toBe(10);
    await kit.advance(10);
    await kit.advance(20);
    expect(stock).toBe(7);
    await publish('taken', { order: 'a', apples: 3 });
    expect(stock).toBe(7);
    const outcomes = () => kit.settled.map(({ outcome }) => outcome);
    expect(outcomes()).toEqual(['retried', 'retried', 'handled', 'duplicate']);
    await publish('other', {});
    expect(kit.settled.at(-1)!.error?.message).toContain('Set the handler option inbox');
  });

  it('may end a workflow, and neither goes on with it nor ends a branch that is joined', async () => {
    const written: string[] = [];
    @Controller()
    class Steps {
      @StreamHandler(['first', 'last'], { inbox: true, maxDeliveries: 1 })
      step(_: unknown, @Ctx() context: StreamContext) {
        const event = context.getPattern();
        context.transaction<MemoryTransaction>().write(() => written.push(event));
        return event === 'first' ? next('last') : 'the end';
      }

      @StreamHandler(['fan', 'chain', 'joined'])
      fan(_: unknown, @Ctx() context: StreamContext) {
        if (context.getPattern() === 'fan') return fanOut([next('last')], { join: 'joined' });
        return context.getPattern() === 'chain' ? next('last') : undefined;
      }
    }
    const { publish, kit, app } = await startApp({ controllers: [Steps] });
    await publish('first', {});
    await publish('fan', {});
    await kit.idle();
    expect(written).toEqual([]);
    const refused = kit.settled.filter(({ outcome }) => outcome === 'dead-lettered');
    expect(refused.map(({ eventType, error }) => [eventType, error?.name])).toEqual([
      ['first', 'UnsupportedFeatureError'],
      ['last', 'UnsupportedFeatureError'],
    ]);
    const id = await app.get(Workflows).start('chain');
    await kit.idle();
    expect(written).toEqual(['last']);
    expect(await app.get(Workflows).get(id)).toMatchObject({ status: 'completed' });
  });
});

describe('on Redis', () => {
  let redis: TestRedis;
  beforeAll(async () => void (redis = await testRedis()));
  afterAll(() => redis.cleanup());

  async function start(controller: new () => object) {
    const settled: SettledEvent[] = [];
    const { url } = redis;
    const keyPrefix = `${redis.prefix}${randomBytes(3).toString('hex')}:`;
    const streams = RedisStreamsModule.forRoot({
      url,
      keyPrefix,
      group: 'shop',
      reclaimInterval: 200,
    });
    const app = await createApp(appModule({ imports: [streams], controllers: [controller] }));
    onTestFinished(() => app.close());
    app.get(RedisStreamsTransport).on('settled', (event) => settled.push(event));
    await app.listen();
    const settledSoon = (count: number) =>
      until(`${count} settled`, () => settled.length >= count).then(() =>
        settled.map(({ outcome }) => outcome),
      );
    return { app, keyPrefix, publisher: app.get(StreamPublisher), settledSoon };
  }

  it('an inbox writes with the note of it: once, and nothing of a run that failed', async () => {
    const stock = `${redis.prefix}stock`;
    @Controller()
    class Stock {
      @StreamHandler<Order>('taken', {
        inbox: { key: ({ payload }) => payload.order },
        backoff: { delay: 5 },
      })
      take(@Payload() { apples, order }: Order, @Ctx() context: StreamContext) {
        const transaction = context.transaction<RedisTransaction>();
        transaction.write('HINCRBY', stock, 'apples', -apples);
        transaction.write('RPUSH', `${stock}:orders`, order);
        if (context.attempt === 1) throw new Error('no');
      }
    }
    const { publisher, settledSoon, keyPrefix } = await start(Stock);
    await publisher.publish('taken', { order: 'a', apples: 3 });
    expect(await settledSoon(2)).toEqual(['retried', 'handled']);
    await publisher.publish('taken', { order: 'a', apples: 3 });
    expect(await settledSoon(3)).toEqual(['retried', 'handled', 'duplicate']);
    expect(await redis.client.hget(stock, 'apples')).toBe('-3');
    expect(await redis.client.lrange(`${stock}:orders`, 0, -1)).toEqual(['a']);
    const note = `{${keyPrefix}taken}:inbox:shop:taken:a`;
    expect(await redis.client.pttl(note)).toBeGreaterThan(3_500_000);
  });

  it('a producer’s key travels with the message, and its handler completes it once', async () => {
    const runs: number[] = [];
    @Controller()
    class Orders {
      @StreamHandler('made', { dedupe: { key: 'idempotencyKey', ttl: 60_000 } })
      made(@Payload() payload: number) {
        runs.push(payload);
      }
    }
    const { publisher, settledSoon, keyPrefix } = await start(Orders);
    await publisher.publish('made', 1, { idempotencyKey: 'order-1' });
    await settledSoon(1);
    const key = `{${keyPrefix}made}:done:shop:made:order-1`;
    expect(await redis.client.get(key)).toBe('done');
    expect(await redis.client.pttl(key)).toBeLessThanOrEqual(60_000);
    // The producer's window is over sooner.
    await redis.client.del(`{${keyPrefix}made}:published:order-1`);
    await publisher.publish('made', 2, { idempotencyKey: 'order-1' });
    expect(await settledSoon(2)).toEqual(['handled', 'duplicate']);
    expect(runs).toEqual([1]);
  });

  it.each([
    { how: 'published with its acknowledgement', options: {} },
    { how: 'and its completion with it', options: { dedupe: true } },
  ])('nothing stays of a redriven message whose next step is $how', async ({ options }) => {
    let broken = true;
    @Controller()
    class Steps {
      @StreamHandler('first', options)
      first() {
        if (broken) throw new UnrecoverableError('broken');
        return next('second');
      }
      @StreamHandler('second')
      second() {}
    }
    const { app, publisher, settledSoon, keyPrefix } = await start(Steps);
    await publisher.publish('first', {});
    await settledSoon(1);
    broken = false;
    expect(await app.get(DeadLetters).redrive('first', { all: true })).toBe(1);
    expect(await settledSoon(3)).toEqual(['dead-lettered', 'handled', 'handled']);
    expect(await redis.client.exists(`{${keyPrefix}first}:redrive:shop`)).toBe(0);
  });

  it('batches run on a server, too', async () => {
    const batches: number[] = [];
    @Controller()
    class Orders {
      @StreamHandler('many', { batch: { size: 50, maxWait: 100 } })
      many(@Payload() payloads: number[]) {
        batches.push(payloads.length);
      }
    }
    const { publisher, settledSoon } = await start(Orders);
    const items = Array.from({ length: 120 }, (_, payload) => ({ eventType: 'many', payload }));
    await publisher.publishBatch(items);
    expect(new Set(await settledSoon(120))).toEqual(new Set(['handled']));
    expect(batches.reduce((sum, size) => sum + size)).toBe(120);
    expect(Math.max(...batches)).toBe(50);
  });
});
