import { Pool } from 'pg';
import { postgres } from 'nestjs-redis-streams/postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Driver } from '../../lib/ports/driver.js';
import { HELD_CONSUMER } from '../../lib/ports/held-entries.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { rowsRead } from '../support/postgres-rows-read.js';

const HELD = 20_000;
const PENDING = 2000;
const CONSUMERS = 20;
const PAGE = 100;

let server: TestPostgres;
let driver: Driver;
/** The only connection of the driver. */
let pool: Pool;
let grp: number;

/** A group with entries on hold, and behind them entries of consumers that were not seen for an hour. */
beforeAll(async () => {
  server = await testPostgres();
  pool = new Pool({ connectionString: server.url, max: 1 });
  pool.on('error', () => undefined);
  driver = postgres({ pool, hints: false }).open({ events: new EventBus(), keyPrefix: '' });
  await driver.groups!.create('orders', 'workers', { startId: '0', createStream: true });
  const { rows } = await pool.query<{ id: number }>('select id from streams.grp');
  grp = rows[0]!.id;
  await pool.query(
    `insert into streams.delivery (message, grp, free, delivered, fresh_at, record, fields)
      select n, $1, false, true, clock_timestamp(), '{}', '[]' from generate_series(1, $2::int) n`,
    [grp, HELD],
  );
  await pool.query(
    `insert into streams.delivery (message, grp, free, delivered, fresh_at, consumer, attempt)
      select $2::int + n, $1, false, true, clock_timestamp(), 'c' || n % $4::int, 1
      from generate_series(1, $3::int) n`,
    [grp, HELD, PENDING, CONSUMERS],
  );
  await pool.query(
    `insert into streams.member (grp, consumer, seen_at)
      select $1, 'c' || n, clock_timestamp() - interval '1 hour' from generate_series(0, $2::int - 1) n`,
    [grp, CONSUMERS],
  );
  await pool.query('vacuum analyze');
});
afterAll(async () => {
  await driver.source.close();
  await pool.end();
  await server.cleanup();
});

/** Runs it, and returns its result with the rows that the server has read for it. */
async function counted<T>(run: () => Promise<T>): Promise<{ result: T; read: number }> {
  await run();
  const before = await rowsRead(pool);
  const result = await run();
  return { result, read: (await rowsRead(pool)) - before };
}

/** A look for abandoned entries by a consumer of the group. */
const look = async (crashedAfter: number) => {
  const { rows } = await pool.query<{ kind: string; holder: string; attempt: number }>(
    'select * from streams.look_after($1, $2, 100, null, null, $3, $4, $3)',
    ['me', [grp], 86_400_000, crashedAfter],
  );
  return rows;
};

test('a look for abandoned entries reads those of consumers, and none on hold', async () => {
  const { result, read } = await counted(() => look(86_400_000));
  expect(result).toEqual([]);
  expect(read).toBeLessThan(3 * PENDING);
});

test('entries of silent consumers are counted together', async () => {
  const { result, read } = await counted(() => look(60_000));
  expect(result).toHaveLength(CONSUMERS);
  for (const row of result) {
    expect(row).toMatchObject({ kind: 'silent', attempt: PENDING / CONSUMERS });
  }
  expect(read).toBeLessThan(4 * PENDING);
});

test('consumers are listed without what is on hold', async () => {
  const { result, read } = await counted(() => driver.groups!.consumers!('orders', 'workers'));
  expect(result).toHaveLength(CONSUMERS);
  expect(read).toBeLessThan(2 * PENDING);
});

test('a page of pending entries reads no more than it lists, on hold or not', async () => {
  const page = (query: { consumer?: string; start?: string }) =>
    counted(() => driver.pending!.list('orders', 'workers', { ...query, count: PAGE }));
  const first = await page({});
  expect(first.result.map(({ id }) => Number(id))).toEqual(
    Array.from({ length: PAGE }, (_, at) => at + 1),
  );
  expect(first.result.every(({ consumer }) => consumer === HELD_CONSUMER)).toBe(true);
  const across = await page({ start: String(HELD - 9) });
  expect(across.result.map(({ consumer }) => consumer).slice(9, 12)).toEqual([
    HELD_CONSUMER,
    'c1',
    'c2',
  ]);
  const last = await page({ start: String(HELD + 1) });
  const ofOne = await page({ consumer: 'c7' });
  expect(ofOne.result).toHaveLength(PAGE);
  for (const { read } of [first, across, last]) expect(read).toBeLessThan(3 * PAGE);
  expect(ofOne.read).toBeLessThan(2 * PENDING);
});

test('how far the group has come is found without a look at all that it has', async () => {
  await driver.source.publish([{ stream: 'orders', fields: ['a', 'b'] }]);
  const { result, read } = await counted(() => driver.source.settledUpTo!('orders', 'workers'));
  expect(result).toBeUndefined();
  expect(read).toBeLessThan(PAGE);
  await pool.query('delete from streams.delivery where message <= 5');
  expect(await driver.source.settledUpTo!('orders', 'workers')).toBe('5');
});

test('entries on hold are pending ones, of which the oldest is told of', async () => {
  const [report] = await driver.groups!.describe(['orders']);
  expect(report!.groups).toMatchObject([
    { pending: HELD - 5 + PENDING, oldestPendingId: '6', oldestIsHeld: true },
  ]);
});
