import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { DeadLetterQueue } from '../../lib/ports/dead-letters.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { inAllSlots } from '../support/in-all-slots.js';

const COUNT = 20_000;

let server: RedisServer;
let client: Redis;
let runtime: StreamsRuntime;
let queue: DeadLetterQueue;
let ids: string[];
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
  runtime = new StreamsRuntime({ slots: inAllSlots(redis({ url: server.url })), group: 'g' });
  queue = runtime.driver.deadLetters!;
});
afterAll(async () => {
  await runtime.close();
  client.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await client.flushall();
  const record = { stream: 's', id: '1-0', group: 'g', consumer: 'c', attempts: 1, reason: 'r' };
  const text = JSON.stringify(record);
  const pipeline = client.pipeline();
  for (let n = 0; n < COUNT; n++)
    pipeline.xadd('{s}:dead-letter', '*', 'dead_letter', text, 'n', n);
  ids = (await pipeline.exec())!.map(([, id]) => id as string);
});

/** Commands that the work sent, those of scripts left out. */
async function commandsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await client.config('RESETSTAT');
  await work();
  const stats = await client.info('commandstats');
  const calls = [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)];
  const counted = calls.map(([, name, count]): [string, number] => [name!, Number(count)]);
  return Object.fromEntries(counted.filter(([name]) => name.startsWith('x') || name === 'evalsha'));
}

it('purges one id out of many without walking the queue', async () => {
  const one = ids[15_000]!;
  const sent = await commandsOf(async () => expect(await queue.purge('s', { ids: [one] })).toBe(1));
  // Its record is read by a script, which looks at its size first.
  expect(sent).toEqual({ evalsha: 1, xrange: 2, xdel: 1 });
  expect(await client.xlen('{s}:dead-letter')).toBe(COUNT - 1);
});

it('takes nothing by an id without its sequence number, or of no dead letter', async () => {
  const [ms] = ids[15_000]!.split('-');
  expect(await queue.purge('s', { ids: [ms!, '99999999999999-0'] })).toBe(0);
  expect(await queue.get('s', ms!)).toBeUndefined();
  expect(await client.xlen('{s}:dead-letter')).toBe(COUNT);
});

it('redrives one id out of many without walking the queue', async () => {
  const one = ids[15_000]!;
  const redrive = () => runtime.admin.deadLetters.redrive('s', { ids: [one] });
  const sent = await commandsOf(async () => expect(await redrive()).toBe(1));
  // The look-up, which is a script, and what the script that redrives does.
  expect(sent['xrange']).toBe(3);
  expect(sent['xdel']).toBe(1);
  expect(await client.xlen('{s}:dead-letter')).toBe(COUNT - 1);
});

it('purges all, and a group, in pages', async () => {
  expect(await queue.purge('s', { group: 'other' })).toBe(0);
  expect(await queue.purge('s', { all: true })).toBe(COUNT);
});
