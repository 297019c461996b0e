import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NotReplicatedError } from '../../lib/core/errors/publishing.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { MessageSource } from '../../lib/ports/source.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const COMMAND_TIMEOUT = 500;
const entry = { stream: 's', fields: ['a', 'b'], waitReplicas: 1 };

let server: RedisServer;
let proxy: Proxy;
let admin: Redis;
let source: MessageSource;
beforeEach(async () => {
  server = await startRedis();
  proxy = await startProxy(server.port);
  admin = new Redis(server.url);
  const driver = redis({ url: proxy.url, commandTimeout: COMMAND_TIMEOUT });
  ({ source } = driver.open({ events: new EventBus(), keyPrefix: '' }));
});
afterEach(async () => {
  await source.close();
  await proxy.close();
  admin.disconnect();
  await server.stop();
});

async function callsOf(command: string): Promise<number> {
  const stats = await admin.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

it('one wait serves all messages that were published before it', async () => {
  const first = source.publish([entry]);
  await until('the first one waits', async () => (await callsOf('wait')) === 1);
  const others = Array.from({ length: 5 }, () => source.publish([entry, entry]));
  const results = (await Promise.all([first, ...others])).flat();
  expect(results).toHaveLength(11);
  for (const result of results) expect(result).toBeInstanceOf(NotReplicatedError);
  expect(await callsOf('wait')).toBe(2);
  const stored = (await admin.xrange('s', '-', '+')).map(([id]) => id);
  expect(results.map((result) => (result as NotReplicatedError).id)).toEqual(stored);
});

it('a message that is stored says so, where the connection breaks in the wait', async () => {
  const published = source.publish([entry]);
  await until('it waits', async () => (await callsOf('wait')) === 1);
  proxy.cut();
  const [error] = (await published) as [NotReplicatedError];
  expect(error).toBeInstanceOf(NotReplicatedError);
  expect(error).toMatchObject({ replicas: 0, cause: { code: 'REDIS_CONNECTION' } });
  expect((await admin.xrange('s', '-', '+')).map(([id]) => id)).toEqual([error.id]);
});

it("a window that is 'native' is refused, and nothing is written", async () => {
  const idempotency = { key: 'k', window: 'native' as const };
  const [refused, other] = await source.publish([
    { ...entry, idempotency },
    { stream: 's', fields: ['a', 'b'], idempotency },
  ]);
  expect(refused).toMatchObject({ code: 'INVALID_MESSAGE' });
  expect(String(refused)).toContain('idempotencyWindow');
  expect((await admin.xrange('s', '-', '+')).map(([id]) => id)).toEqual([other]);
});
