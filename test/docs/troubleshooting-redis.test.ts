import { Controller, Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { Redis } from 'ioredis';
import {
  RedisStreamsClient,
  RedisStreamsModule,
  type RedisStreamsModuleOptions,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { StreamState } from '../../sample/docs/troubleshooting/stream-state.service.js';
import { RunsTwice } from '../../sample/docs/troubleshooting/twice.js';
import { readPage } from '../support/doc-pages.js';
import { quoted, RecordedLog, shown } from '../support/log-lines.js';
import { startRedis } from '../support/redis-server.js';
import { blocksOf } from '../support/snippets.js';
import { until } from '../support/until.js';

const STREAM = 'order.placed';
const GROUP = 'order-service';
const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };
/** No server listens there. */
const CLOSED = 'redis://127.0.0.1:1';
const server = await startRedis();
const redis = new Redis(server.url);
redis.on('error', () => undefined);
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
const log = new RecordedLog();
beforeEach(async () => {
  await redis.flushall();
  log.clear();
});

type Given = Partial<RedisStreamsModuleOptions> & { readonly providers?: Type[] };

/** The service of the page, with short times. */
async function start({ providers = [], ...options }: Given = {}, run = () => undefined as unknown) {
  @Controller()
  class OrderController {
    @StreamHandler(STREAM)
    reserve(): unknown {
      return run();
    }
  }
  const times = { idleTimeout: 500, blockTimeout: 500, reclaimInterval: 50, commandTimeout: 500 };
  const url = options.host === undefined ? server.url : undefined;
  const streams = RedisStreamsModule.forRoot({ url, group: GROUP, ...times, ...options });
  @Module({ imports: [streams], controllers: [OrderController], providers })
  class AppModule {}
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
    inject: [RedisStreamsTransport],
    useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
    logger: false,
  });
  log.record();
  onTestFinished(() => app.close());
  await app.listen();
  return app;
}

const refused = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: Error) => shown(error),
  );

/** One entry that a consumer has read before it died. */
async function readByTheDead(): Promise<string> {
  await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
  const id = await redis.xadd(STREAM, '*', 'event_type', STREAM, 'payload', '{}');
  const reader = ['GROUP', GROUP, 'order-service-0'] as const;
  await redis.xreadgroup(...reader, 'COUNT', 1, 'STREAMS', STREAM, '>');
  return id!;
}

describe('cannot connect', () => {
  it('a server that is not there: lines until connectTimeout, then an error', async () => {
    expect(await refused(start({ url: CLOSED, connectTimeout: 1_500 }))).toBe(quoted('no-start'));
    await log.says('unreachable');
  });

  it('a wrong password', async () => {
    const login = { username: 'orders', password: 'wrong', connectTimeout: 1_500 };
    await refused(start({ host: '127.0.0.1', port: server.port, ...login }));
    await log.says('wrong-password');
  });

  it('a server that goes and comes back', async () => {
    const other = await startRedis();
    onTestFinished(() => other.stop());
    await start({ url: other.url });
    await other.kill();
    await log.says('broken');
    await other.start();
    await log.says('works-again');
  });

  it('an emit without a subscriber', async () => {
    const client = new RedisStreamsClient({ url: CLOSED, commandTimeout: 500 });
    onTestFinished(() => client.close());
    log.record();
    client.emit(STREAM, ORDER);
    await log.says('not-published');
  });

  it('a server without memory', async () => {
    const app = await start();
    await redis.config('SET', 'maxmemory', '1');
    onTestFinished(async () => void (await redis.config('SET', 'maxmemory', '0')));
    const publishing = app.get(StreamPublisher).publish(STREAM, ORDER);
    expect(await refused(publishing)).toBe(quoted('out-of-memory'));
  });
});

describe('what others did to the keys', () => {
  it('a stream that is no stream any more', async () => {
    await start();
    await redis.multi().del(STREAM).set(STREAM, 'mine').exec();
    await log.says('unreadable');
  });

  it('a group that was destroyed', async () => {
    const app = await start();
    await app.get(StreamPublisher).publish(STREAM, ORDER);
    await until('there is a floor', async () => {
      const floor = await redis.hget(`{${STREAM}}:floor`, GROUP);
      return floor?.startsWith('- 1') ?? false;
    });
    await redis.xgroup('DESTROY', STREAM, GROUP);
    await log.says('group-recreated');
  });

  it('a server that lost its data', async () => {
    const app = await start();
    await app.get(StreamPublisher).publish(STREAM, ORDER);
    await until('there is a floor', async () => {
      const floor = await redis.hget(`{${STREAM}}:floor`, GROUP);
      return floor?.startsWith('- 1') ?? false;
    });
    await redis.flushall();
    await log.says('data-lost');
  });

  it('an entry that was deleted while it was pending', async () => {
    await redis.xdel(STREAM, await readByTheDead());
    await start();
    await log.says('trimmed');
  });

  it('an entry in the shape of another program', async () => {
    await start();
    await redis.xadd(STREAM, '*', 'type', STREAM, 'body', '{}');
    await log.says('undecodable');
  });

  it('delayed messages whose key or data is gone', async () => {
    const app = await start();
    await redis.set(`{${STREAM}}:delayed`, 'mine');
    await log.says('delays-stuck');
    await redis.del(`{${STREAM}}:delayed`);
    await app.get(StreamPublisher).publish(STREAM, ORDER, { delay: 300 });
    await redis.del(`{${STREAM}}:delayed:entries`);
    await log.says('delays-lost');
  });
});

it('a consumer that died is told of, and its message is taken over', async () => {
  await readByTheDead();
  const warn = vi.spyOn(Logger.prototype, 'warn');
  onTestFinished(() => warn.mockRestore());
  await start({ crashedAfter: 600, providers: [RunsTwice] });
  await log.says('crashed-consumer');
  const took = 'order-service took over 1 messages of order.placed from another consumer';
  expect(warn.mock.calls.flat()).toContain(took);
});

it('a run whose message another consumer has got is lost', async () => {
  const warn = vi.spyOn(Logger.prototype, 'warn');
  onTestFinished(() => warn.mockRestore());
  let stolen: string | undefined;
  const app = await start({ providers: [RunsTwice] }, async () => {
    const [row] = (await redis.xpending(STREAM, GROUP, '-', '+', 1)) as [string][];
    stolen = row?.[0];
    await redis.xclaim(STREAM, GROUP, 'order-service-0', 0, stolen!);
    throw new Error('The warehouse does not answer');
  });
  await app.get(StreamPublisher).publish(STREAM, ORDER);
  await until('it is lost', () =>
    warn.mock.calls
      .flat()
      .includes(`OrderController.reserve lost ${stolen} of order.placed to another run`),
  );
});

it('a message that was read five times and never settled', async () => {
  const id = await readByTheDead();
  await redis.xclaim(STREAM, GROUP, 'order-service-0', 0, id, 'RETRYCOUNT', 5);
  await start();
  await log.says('crashed-message');
});

it('a consumer that has as many waiting messages as it may reads nothing new', async () => {
  const app = await start({ maxParked: 2 }, () => {
    throw new Error('The warehouse does not answer');
  });
  const orders = Array.from({ length: 20 }, () => ({ eventType: STREAM, payload: ORDER }));
  await app.get(StreamPublisher).publishBatch(orders);
  await log.says('reading-paused');
});

it('a consumer that was killed is still called live, with a time that is over', async () => {
  const app = await start({ providers: [StreamState] });
  const [seconds] = await redis.time();
  const now = Number(seconds) * 1_000;
  const killed = `live ${now - 1_000} ${now - 40_000} x {"process":{},"events":[],"options":{}}`;
  await redis.hset(`{${STREAM}}:consumers:${GROUP}`, 'killed', killed);
  const { consumers } = await app.get(StreamState).of(STREAM, GROUP);
  expect(consumers).toContainEqual({ consumer: 'killed', state: 'live', alive: false, events: [] });
  const entries = await redis.hgetall(`{${STREAM}}:consumers:${GROUP}`);
  const alive = Object.values(entries).filter((value) => Number(value.split(' ')[1]) > now);
  expect(alive).toHaveLength(1);
});

it('the commands of the page are valid, and the service answers what they show', async () => {
  const app = await start({ providers: [StreamState] });
  const publisher = app.get(StreamPublisher);
  await publisher.publish(STREAM, ORDER);
  await publisher.publish(STREAM, ORDER, { delay: 60_000 });
  const shell = blocksOf(readPage('docs/troubleshooting.md')).filter((b) => b.language === 'sh');
  const lines = shell.flatMap(({ text }) => text.split('\n'));
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) {
    const [, command = ''] = /^redis-cli (.+?)(?: *#.*)?$/.exec(line) ?? [];
    const words = command.match(/'[^']*'|\S+/g) ?? [];
    const [name, ...more] = words.map((word) => word.replaceAll("'", ''));
    await expect(redis.call(name!, ...more), line).resolves.toBeDefined();
  }
  const state = await app.get(StreamState).of(STREAM, GROUP);
  expect(state).toMatchObject({
    group: { name: GROUP, lag: 0 },
    consumers: [{ state: 'live', alive: true, events: [STREAM] }],
    oldestDeadLetters: { items: [] },
    soonestDelayed: { items: [{ eventType: STREAM }] },
    kept: { policy: 'keep', length: 1 },
    overruns: [],
  });
});
