import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { takePending } from '../../lib/drivers/redis/held-entries/take-pending.script.js';
import { reclaim } from '../../lib/drivers/redis/reading/reclaim.script.js';
import { HELD_CONSUMER } from '../../lib/ports/held-entries.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

/** Entries on hold, between those of consumers that are gone. */
const HELD = 2000;

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

describe('with many entries on hold', () => {
  const key = 's';
  let ids: string[];

  /** Entries of `a` and `b`, before and behind those on hold. */
  beforeEach(async () => {
    await client.flushall();
    await client.xgroup('CREATE', key, 'g', '0', 'MKSTREAM');
    const read = async (consumer: string, count: number): Promise<void> => {
      const publishing = client.pipeline();
      for (let index = 0; index < count; index++) publishing.xadd(key, '*', 'f', 'v');
      const published = (await publishing.exec())!.map(([, id]) => String(id));
      await client.xreadgroup('GROUP', 'g', consumer, 'COUNT', count, 'STREAMS', key, '>');
      if (consumer !== HELD_CONSUMER) ids.push(...published);
    };
    ids = [];
    for (const consumer of ['b', HELD_CONSUMER, 'a', 'b']) await read(consumer, 1);
    await read(HELD_CONSUMER, HELD);
    for (const consumer of ['b', HELD_CONSUMER, 'a']) await read(consumer, 1);
  });

  /** Runs it, and counts the pages of pending entries that the server has read for it. */
  async function pagesOf<T>(act: () => Promise<T>): Promise<[answer: T, pages: number]> {
    await client.config('RESETSTAT');
    const answer = await act();
    const [, calls] = /cmdstat_xpending:calls=(\d+)/.exec(await client.info('commandstats'))!;
    return [answer, Number(calls)];
  }

  const look = async (capacity: number) => {
    const keys = {
      key,
      floor: key,
      redrive: `${key}:r`,
      consumers: `${key}:c`,
      handed: `${key}:h`,
    };
    const idles = { idleTimeout: 0, absentAfter: 1e9, crashedAfter: 1e9 };
    const order = { group: 'g', consumer: 'me', capacity, ...idles, streams: [keys] };
    const [found] = (await reclaim(client, order))!;
    return found!;
  };

  it('a look reads pages of the other consumers only, and takes the oldest first', async () => {
    const [found, pages] = await pagesOf(() => look(100));
    expect(found.taken.map(({ id }) => id)).toEqual(ids);
    expect(pages).toBeLessThan(5);
  });

  it('a look that has no room for all takes the oldest', async () => {
    expect((await look(2)).taken.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect((await look(2)).taken.map(({ id }) => id)).toEqual(ids.slice(2, 4));
    expect((await look(2)).taken.map(({ id }) => id)).toEqual(ids.slice(4));
    expect((await look(2)).taken).toEqual([]);
  });

  it('the next owner of a stream reads pages of the other consumers only', async () => {
    const take = { key, group: 'g', consumer: 'me', guards: [], after: undefined, count: 100 };
    const [taken, pages] = await pagesOf(() => takePending(client, take));
    expect(taken!.map(({ id, from }) => [id, from])).toEqual(
      ids.map((id, index) => [id, index === 1 || index === 4 ? 'a' : 'b']),
    );
    expect(pages).toBeLessThan(5);
  });

  it('a take of some goes on behind them', async () => {
    const take = { key, group: 'g', consumer: 'me', guards: [], count: 2 };
    const first = await takePending(client, { ...take, after: undefined });
    expect(first!.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const next = await takePending(client, { ...take, after: ids[1] });
    expect(next!.map(({ id }) => id)).toEqual(ids.slice(2, 4));
  });
});
