import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Lease } from '../../lib/core/lease.js';
import type { Fields } from '../../lib/core/message.js';
import type { MessageSource, Settling } from '../../lib/ports/source.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});
beforeEach(() => admin.flushall());

const fields = (value: string): Fields => ['event_type', 'next', 'payload', JSON.stringify(value)];

/** As many messages as there are targets, each followed by a message to one of them. */
async function chain(
  source: MessageSource,
  targets: readonly string[],
  value = 'x',
): Promise<Settling[]> {
  await source.publish(targets.map(() => ({ stream: 's', fields: fields('first') })));
  const subscription = await source.subscribe({
    streams: ['s'],
    group: 'g',
    consumer: 'c',
    startId: '0',
    idleTimeout: 60_000,
    reclaimInterval: 60_000,
    blockTimeout: 1000,
    runsWithin: 1000,
  });
  const leases: Lease[] = [];
  while (leases.length < targets.length) leases.push(...(await subscription.pull(1000)));
  return targets.map((stream, index) => ({
    lease: leases[index]!,
    settlement: { kind: 'ack', publish: [{ stream, fields: fields(value) }] },
  }));
}

async function withSource<T>(url: string, use: (source: MessageSource) => Promise<T>): Promise<T> {
  const { source } = redis({ url }).open({ events: new EventBus(), keyPrefix: '' });
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

const pending = async (): Promise<number> => ((await admin.xpending('s', 'g')) as [number])[0];

it('a message that cannot be followed by the next one keeps no other of its batch', async () => {
  // Nothing can be added to it any more, which no look beforehand shows.
  await admin.xadd('full', '18446744073709551615-18446744073709551615', 'a', 'b');
  await withSource(server.url, async (source) => {
    const batch = await chain(source, ['next', 'full', 'next']);
    const [first, refused, last] = await source.settle(batch);
    expect([first, last]).toEqual(['settled', 'settled']);
    expect(String(refused)).toContain('last possible ID');
    expect(await pending()).toBe(1);
    expect(await admin.xlen('next')).toBe(2);
  });
});

it('a batch whose acknowledgement is refused has failed as a whole, and names the command', async () => {
  await admin.call('ACL', 'SETUSER', 'careless', 'on', 'nopass', '~*', '+@all', '-xack');
  const { host } = new URL(server.url);
  await withSource(`redis://careless:@${host}`, async (source) => {
    const batch = await chain(source, ['next', 'next']);
    for (const outcome of await source.settle(batch)) {
      expect(outcome).toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    expect(await pending()).toBe(2);
  });
});

it('what is large goes to several scripts, each of about half a megabyte', async () => {
  await withSource(server.url, async (source) => {
    const targets = Array.from({ length: 10 }, () => 'next');
    const batch = await chain(source, targets, 'x'.repeat(200_000));
    await admin.config('RESETSTAT');
    expect(await source.settle(batch)).toEqual(targets.map(() => 'settled'));
    expect(await admin.xlen('next')).toBe(10);
    const stats = await admin.info('commandstats');
    const [, scripts] = /cmdstat_eval\w*:calls=(\d+)/.exec(stats) ?? [];
    expect(Number(scripts)).toBeGreaterThanOrEqual(5);
  });
});
