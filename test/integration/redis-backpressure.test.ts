import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

let server: RedisServer;
let client: Redis;
let runtime: StreamsRuntime;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
  runtime = new StreamsRuntime({ slots: inAllSlots(redis({ url: server.url })), group: 'g' });
});
afterAll(async () => {
  await runtime.close();
  client.disconnect();
  await server.stop();
});

/** How often the server was asked since it forgot, without what runs inside scripts. */
async function asked(): Promise<Record<string, number>> {
  const stats = await client.info('commandstats');
  const found = stats.matchAll(/^cmdstat_(eval|evalsha|xinfo\|consumers|xadd):calls=(\d+)/gm);
  return Object.fromEntries([...found].map(([, command, calls]) => [command, Number(calls)]));
}

it('a thousand waiting publishers ask a few times a second, and go in order once there is room', async () => {
  await client.xgroup('CREATE', 'orders', 'g', '$', 'MKSTREAM');
  for (let n = 0; n < 20; n++) await client.xadd('orders', '*', 'n', n);
  await client.xreadgroup('GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', 'orders', '>');
  const publish = (payload: number) =>
    runtime.producer.publish({ eventType: 'orders', payload, maxLag: 5 });
  await client.config('RESETSTAT');
  const began = performance.now();
  const publishing = Promise.allSettled(Array.from({ length: 1000 }, (_, n) => publish(n)));
  const seconds = () => (performance.now() - began) / 1000;
  await until('they have waited for a while', () => seconds() > 1.2);
  const before = await asked();
  expect(before['xadd']).toBeUndefined();
  const readings = (before['eval'] ?? 0) + (before['evalsha'] ?? 0);
  expect(readings).toBeGreaterThanOrEqual(2);
  expect(readings).toBeLessThanOrEqual(4 * seconds() + 2);
  // Each reading looks at the consumers of the group once, if at all.
  expect(before['xinfo|consumers']).toBeLessThanOrEqual(2);
  // A consumer works the rest off.
  await until('all are published', async () => {
    await client.xreadgroup('GROUP', 'g', 'c', 'COUNT', 500, 'STREAMS', 'orders', '>');
    return (await client.xlen('orders')) === 1020;
  });
  await publishing;
  const entries = await client.xrange('orders', '-', '+');
  const payloads = entries.slice(20).map(([, fields]) => Number(fields[3]));
  expect(payloads).toEqual(Array.from({ length: 1000 }, (_, n) => n));
});
