import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Answer, AnswerKind } from '../../lib/core/answer.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { RedisOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import { ack } from '../../lib/core/settlement.js';
import type { StreamsOptions } from '../../lib/options/streams-options.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { gate } from '../support/engine.js';
import { startProxy } from '../support/proxy.js';
import { startRedis } from '../support/redis-server.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

let server: TestRedis;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

let names = 0;
const freshPrefix = (): string => `${server.prefix}${++names}:`;

function runtimeOf(
  connection: RedisOptions,
  keyPrefix: string,
  options: Partial<StreamsOptions> = {},
): StreamsRuntime {
  const source = redis({ commandTimeout: 500, ...connection });
  const quick = { blockTimeout: 100, reclaimInterval: 50, gracePeriod: 0 };
  const runtime = new StreamsRuntime({
    slots: inAllSlots(source),
    keyPrefix,
    group: 'g',
    ...quick,
    ...options,
  });
  onTestFinished(() => runtime.close());
  return runtime;
}

/** Answers every request for `sum` with what `work` says. */
async function serve(runtime: StreamsRuntime, work: (payload: unknown) => Promise<unknown>) {
  await runtime.start([
    {
      name: 'H.sum',
      events: ['sum'],
      options: {},
      answers: true,
      invoke: async ({ message, request }: Delivery) => {
        const body = JSON.stringify(await work(message.payload));
        return { ...ack, reply: request!.answer(AnswerKind.Last, body) };
      },
    },
  ]);
}

/** A client that asks for `sum`: each request comes to its answer, or its error. */
function clientOf(runtime: StreamsRuntime) {
  const requester = runtime.createRequester();
  return {
    requester,
    ask: (payload: unknown, timeout = 15_000): Promise<Answer['body'] | Error> => {
      const entry = runtime.producer.encode({ eventType: 'sum', payload });
      return new Promise((resolve) => {
        requester.ask(
          { eventType: 'sum', entry, timeout },
          { answered: (_kind, body) => resolve(body), failed: resolve },
        );
      });
    },
  };
}

const boxes = (keyPrefix: string): Promise<string[]> =>
  server.client.keys(`*${keyPrefix}client-*:replies`);

describe('answers on Redis', () => {
  test('survive a connection that breaks while they are awaited', async () => {
    const prefix = freshPrefix();
    const proxy = await startProxy(server.url);
    onTestFinished(() => proxy.close());
    const work = gate<number>();
    let runs = 0;
    await serve(runtimeOf({ url: server.url }, prefix), () => {
      runs++;
      return work.promise;
    });
    const { ask } = clientOf(runtimeOf({ url: proxy.url }, prefix));
    const asked = [ask(1), ask(2)];
    await until('both run', () => runs === 2);
    proxy.cut();
    work.open(3);
    expect(await Promise.all(asked)).toEqual(['3', '3']);
    expect(await ask(3)).toBe('3');
    expect(runs).toBe(3);
  });

  test('that wait all fail where the connection does not come back', async () => {
    const redisServer = await startRedis();
    onTestFinished(() => redisServer.stop());
    const { url } = redisServer;
    const work = gate<number>();
    let runs = 0;
    await serve(runtimeOf({ url }, ''), () => {
      runs++;
      return work.promise;
    });
    const { ask } = clientOf(runtimeOf({ url }, ''));
    const asked = [ask(1, 60_000), ask(2, 60_000)];
    await until('both run', () => runs === 2);
    await redisServer.kill();
    // So that the rest can be settled, and closing does not wait for it.
    onTestFinished(() => redisServer.start());
    const failure = { code: 'REDIS_CONNECTION', outcome: 'unknown' };
    expect(await Promise.all(asked)).toMatchObject([failure, failure]);
    expect(await ask(3, 60_000)).toMatchObject({ code: 'REDIS_CONNECTION', outcome: 'not-sent' });
  });

  test('find their box again after the server has lost it', async () => {
    const redisServer = await startRedis();
    onTestFinished(() => redisServer.stop());
    const proxy = await startProxy(redisServer.port);
    onTestFinished(() => proxy.close());
    await serve(runtimeOf({ url: redisServer.url }, ''), async () => 1);
    const { ask } = clientOf(runtimeOf({ url: proxy.url }, ''));
    expect(await ask(0)).toBe('1');
    const admin = new Redis(redisServer.url);
    await admin.flushall();
    admin.disconnect();
    proxy.cut();
    await until('an answer comes', async () => (await ask(0, 500)) === '1');
  });

  test('are kept for a bounded time, and gone with their client', async () => {
    const prefix = freshPrefix();
    await serve(runtimeOf({ url: server.url }, prefix), async () => 1);
    const { ask, requester } = clientOf(runtimeOf({ url: server.url }, prefix));
    expect(await boxes(prefix)).toEqual([]);
    expect(await ask(0)).toBe('1');
    const [box] = await boxes(prefix);
    const left = await server.client.pttl(box!);
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(60_000);
    await requester.close();
    expect(await boxes(prefix)).toEqual([]);
  });

  test('are kept in bounded number', async () => {
    const prefix = freshPrefix();
    const { ask } = clientOf(runtimeOf({ url: server.url }, prefix));
    const { replies } = runtimeOf({ url: server.url }, prefix).driver;
    void ask(0);
    await until('the box is there', async () => (await boxes(prefix)).length === 1);
    const [key] = await boxes(prefix);
    const to = /client-[\w-]+/.exec(key!)![0];
    const flood = Array.from({ length: 11_000 }, () => ({ to, fields: ['a', 'b'] }));
    await replies!.send(flood);
    expect(await server.client.xlen(key!)).toBeLessThan(10_200);
  });

  test('to a client that is gone are not written, and their requests not run again', async () => {
    const prefix = freshPrefix();
    const work = gate<number>();
    let runs = 0;
    const service = runtimeOf({ url: server.url }, prefix);
    const settled: string[] = [];
    service.events.on('settled', ({ outcome }) => settled.push(outcome));
    await serve(service, () => {
      runs++;
      return work.promise;
    });
    const { ask, requester } = clientOf(runtimeOf({ url: server.url }, prefix));
    const asked = ask(1);
    await until('it runs', () => runs === 1);
    await requester.close();
    expect(await asked).toMatchObject({ code: 'CLOSED' });
    work.open(1);
    await until('it is settled', () => settled.length === 1);
    expect(settled).toEqual(['handled']);
    expect(await boxes(prefix)).toEqual([]);
    const [pending] = await server.client.xpending(`${prefix}sum`, 'g');
    expect(pending).toBe(0);
  });

  test('come from another process where the first one is lost; the first one counts', async () => {
    const prefix = freshPrefix();
    const proxy = await startProxy(server.url);
    onTestFinished(() => proxy.close());
    const timing = { idleTimeout: 300 };
    const work = gate<string>();
    let runs = 0;
    await serve(runtimeOf({ url: proxy.url }, prefix, { ...timing, consumer: 'lost' }), () => {
      runs++;
      return work.promise;
    });
    const asker = clientOf(runtimeOf({ url: server.url }, prefix));
    const asked = asker.ask(1);
    await until('it runs', () => runs === 1);
    proxy.stall();
    await serve(
      runtimeOf({ url: server.url }, prefix, { ...timing, consumer: 'other' }),
      async () => 'other',
    );
    expect(await asked).toBe('"other"');
    work.open('lost');
    proxy.resume();
    proxy.cut();
    expect(await asker.ask(2)).toMatch(/other|lost/);
  });

  test('are not taken for late because a clock is wrong', async () => {
    const prefix = freshPrefix();
    await serve(runtimeOf({ url: server.url }, prefix), async () => 1);
    const { ask } = clientOf(runtimeOf({ url: server.url }, prefix));
    const now = Date.now.bind(Date);
    const ahead = vi.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000);
    onTestFinished(() => ahead.mockRestore());
    expect(await ask(1)).toBe('1');
  });

  test('are not confused by what others write', async () => {
    const prefix = freshPrefix();
    const service = runtimeOf({ url: server.url }, prefix);
    const outcomes: string[] = [];
    service.events.on('settled', ({ outcome }) => outcomes.push(outcome));
    await serve(service, async () => 1);
    const { ask } = clientOf(runtimeOf({ url: server.url }, prefix));
    expect(await ask(1)).toBe('1');
    const [box] = await boxes(prefix);
    await server.client.xadd(box!, '*', 'other', 'thing');
    await server.client.xadd(box!, '*', 'answer', 'not a head', 'body', '{');
    const waiting = ask(2);
    const second = ['answer', '2 run 0 f', 'body', '{'];
    await server.client.xadd(box!, '*', ...second);
    await waiting;
    expect(await ask(3)).toBe('1');
    const stream = `${prefix}sum`;
    const event = ['event_type', 'sum', 'payload', '1', 'reply_to', '../../etc x y'];
    await server.client.xadd(stream, '*', ...event);
    await until('all are settled', () => outcomes.length >= 4);
  });

  test('have no box any more where the client was closed while it was made', async () => {
    const prefix = freshPrefix();
    const runtime = runtimeOf({ url: server.url }, prefix);
    const { replies, source } = runtime.driver;
    await source.publish([{ stream: 'any', fields: ['a', 'b'] }]);
    await replies!.now();
    const nothing = { onReplies: () => undefined, onLost: () => undefined, waiting: () => true };
    const box = replies!.open(nothing);
    const opening = Promise.resolve(box.ready()).catch((error: unknown) => error);
    await box.close();
    expect(await opening).toMatchObject({ code: 'CLOSED' });
    expect(await boxes(prefix)).toEqual([]);
  });

  test('that the server has no memory for are written again, without another run', async () => {
    const redisServer = await startRedis();
    onTestFinished(() => redisServer.stop());
    const admin = new Redis(redisServer.url);
    onTestFinished(() => admin.disconnect());
    const work = gate<number>();
    let runs = 0;
    const service = runtimeOf({ url: redisServer.url }, '');
    const refusals: string[] = [];
    service.events.on('worker-error', ({ worker }) => refusals.push(worker));
    await serve(service, () => {
      runs++;
      return work.promise;
    });
    const asked = clientOf(runtimeOf({ url: redisServer.url }, '')).ask(1);
    await until('it runs', () => runs === 1);
    await admin.config('SET', 'maxmemory', '1');
    work.open(3);
    await until('it is refused', () => refusals.includes('settler'));
    expect(await admin.xpending('sum', 'g')).toMatchObject({ 0: 0 });
    await admin.config('SET', 'maxmemory', '0');
    expect(await asked).toBe('3');
    expect(runs).toBe(1);
  });
});
