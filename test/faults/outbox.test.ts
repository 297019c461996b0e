import { Redis } from 'ioredis';
import type { PoolClient } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { openOutboxStore } from '../../lib/drivers/postgres/outbox/open-outbox-store.js';
import type { OutboxStore } from '../../lib/ports/outbox-store.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { Crew } from './support/crew.js';

const STREAM = 'orders';
const KEYS = 25;
/** Messages of one transaction, at most. */
const AT_ONCE = 4;

let server: RedisServer;
let redis: Redis;
let postgres: TestPostgres;
let store: OutboxStore;
let crew: Crew | undefined;

beforeEach(async () => {
  server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  postgres = await testPostgres();
  store = openOutboxStore({ url: postgres.url }, new EventBus());
  await store.lag();
  await postgres.pool.query('create table counter (key text primary key, n int not null)');
  await postgres.pool.query(
    `insert into counter select 'k' || n, 0 from generate_series(0, ${KEYS - 1}) n`,
  );
}, 60_000);
afterEach(async () => {
  await crew?.end();
  redis.disconnect();
  await store.close();
  await server.stop();
  await postgres.cleanup();
});

const startCrew = async (): Promise<void> => {
  crew = await Crew.start(3, {
    script: 'outbox-worker.js',
    redis: { url: server.url },
    postgres: { url: postgres.url },
  });
};

/** Counts a key, and writes the numbers as messages: some transactions are rolled back. */
async function write(client: PoolClient): Promise<void> {
  const key = `k${Math.floor(Math.random() * KEYS)}`;
  const count = 1 + Math.floor(Math.random() * AT_ONCE);
  await client.query('begin');
  const { rows } = await client.query<{ n: number }>(
    'update counter set n = n + $1 where key = $2 returning n',
    [count, key],
  );
  const numbers = Array.from({ length: count }, (_, index) => rows[0]!.n - count + 1 + index);
  const fieldsOf = (n: number) => ['event_type', 'counted', 'payload', JSON.stringify([key, n])];
  await store.put(
    client,
    numbers.map((n) => ({ key, entry: { stream: STREAM, fields: fieldsOf(n) } })),
  );
  await client.query(Math.random() < 0.1 ? 'rollback' : 'commit');
}

/** Writes side by side until there are as many messages. */
async function writeAll(messages: number): Promise<void> {
  const written = async (): Promise<number> => {
    const { rows } = await postgres.pool.query<{ n: string }>('select sum(n) n from counter');
    return Number(rows[0]!.n);
  };
  const writer = async (): Promise<void> => {
    const client = await postgres.pool.connect();
    while ((await written()) < messages) for (let n = 0; n < 20; n++) await write(client);
    client.release();
  };
  await Promise.all([writer(), writer(), writer(), writer()]);
}

/** The numbers of each key, in the order of the stream. */
async function published(): Promise<Record<string, number[]>> {
  const numbers: Record<string, number[]> = {};
  for (const [, fields] of await redis.xrange(STREAM, '-', '+')) {
    const [key, n] = JSON.parse(fields[3]!) as [string, number];
    (numbers[key] ??= []).push(n);
  }
  return numbers;
}

/** Each number that has committed, once and in order. */
async function expectAll(): Promise<void> {
  const { rows } = await postgres.pool.query<{ key: string; n: number }>(
    'select key, n from counter where n > 0',
  );
  const expected = rows.map(({ key, n }) => [key, Array.from({ length: n }, (_, at) => at + 1)]);
  expect(await published()).toEqual(Object.fromEntries(expected));
}

const allPublished = (): Promise<void> =>
  until(
    'nothing waits',
    async () => (await store.lag()).waiting === 0,
    60_000,
    async () => JSON.stringify(await store.lag()) + crew!.errors,
  );

describe('the outbox loses nothing, publishes nothing twice, and keeps the order of each key', () => {
  it('where relays are killed', async () => {
    await startCrew();
    let writing = true;
    const written = writeAll(20_000).finally(() => (writing = false));
    let kills = 0;
    while (writing || kills < 30) {
      const before = await redis.xlen(STREAM);
      await until('more is published', async () => (await redis.xlen(STREAM)) > before || !writing);
      await crew!.kill();
      kills++;
    }
    await written;
    await allPublished();
    await expectAll();
    await crew!.close();
    expect(await store.lag()).toMatchObject({ waiting: 0, dead: 0, relays: 0 });
  }, 300_000);

  it('where Redis is killed and comes back', async () => {
    await startCrew();
    const written = writeAll(8000);
    for (let kills = 0; kills < 4; kills++) {
      const before = await redis.xlen(STREAM);
      await until('more is published', async () => (await redis.xlen(STREAM)) > before + 500);
      await server.kill();
      await server.start();
    }
    await written;
    await allPublished();
    await expectAll();
    expect(await store.lag()).toMatchObject({ dead: 0 });
  }, 300_000);

  it('where PostgreSQL is killed and comes back', async () => {
    await writeAll(8000);
    await startCrew();
    for (let kills = 0; kills < 4; kills++) {
      const before = await redis.xlen(STREAM);
      await until('more is published', async () => (await redis.xlen(STREAM)) > before + 500);
      await postgres.server.kill();
      await postgres.server.start();
    }
    await until('all is published', async () => (await store.lag()).waiting === 0, 60_000);
    await expectAll();
  }, 300_000);
});
