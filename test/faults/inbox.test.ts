import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate } from '../../lib/postgres.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { Crew } from './support/crew.js';

const MESSAGES = 10_000;
/** Messages that a producer has published twice, under one key. */
const TWICE = 2000;
const KILLS = 50;
const ACCOUNTS = 20;
const STREAM = 'payments';

let server: RedisServer;
let redis: Redis;
let postgres: TestPostgres;
let crew: Crew | undefined;

beforeAll(async () => {
  server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  redis = new Redis(server.url);
  postgres = await testPostgres();
  await migrate({ url: postgres.url });
  await postgres.pool.query(
    'create table account (name text primary key, balance bigint not null)',
  );
  await postgres.pool.query(
    `insert into account select 'a' || n, 0 from generate_series(0, ${ACCOUNTS - 1}) n`,
  );
}, 60_000);
afterAll(async () => {
  await crew?.end();
  redis?.disconnect();
  await server?.stop();
  await postgres?.cleanup();
});

const amountOf = (n: number): number => (n % 97) + 1;

async function publishAll(): Promise<void> {
  const pipeline = redis.pipeline();
  const add = (n: number) => {
    const payload = JSON.stringify({ account: `a${n % ACCOUNTS}`, amount: amountOf(n) });
    const fields = ['event_type', 'pay', 'payload', payload, 'idempotency_key', `k${n}`];
    pipeline.xadd(STREAM, '*', ...fields);
  };
  for (let n = 0; n < MESSAGES; n++) {
    add(n);
    if (n % (MESSAGES / TWICE) === 0) add(n);
  }
  await pipeline.exec();
}

async function balances(): Promise<Record<string, number>> {
  const { rows } = await postgres.pool.query<{ name: string; balance: string }>(
    'select name, balance from account',
  );
  return Object.fromEntries(rows.map(({ name, balance }) => [name, Number(balance)]));
}

async function pending(): Promise<number> {
  const [count] = (await redis.xpending(STREAM, 'g')) as [number];
  return count;
}

it('sums in the database are exact after 50 kills, with 10,000 messages from Redis', async () => {
  crew = await Crew.start(3, {
    script: 'inbox-worker.js',
    streams: [STREAM],
    work: 20,
    redis: { url: server.url },
    postgres: { url: postgres.url },
    maxDeliveries: 1000,
    concurrency: 10,
    backoff: { type: 'fixed', delay: 50 },
    handler: { inbox: 'idempotencyKey', events: ['pay'] },
  });
  await publishAll();
  const noted = async (): Promise<number> => {
    const { rows } = await postgres.pool.query<{ n: string }>(
      'select count(*) n from streams.inbox',
    );
    return Number(rows[0]!.n);
  };
  for (let kill = 1; kill <= KILLS; kill++) {
    const wanted = (MESSAGES * kill) / (KILLS + 10);
    await until(
      `${wanted} are noted`,
      async () => (await noted()) >= wanted,
      120_000,
      async () => [await noted(), crew!.errors].join(' '),
    );
    await crew.kill();
  }
  await until('all are noted', async () => (await noted()) === MESSAGES, 120_000, noted);
  await until('all are settled', async () => (await pending()) === 0, 120_000, pending);
  const expected: Record<string, number> = {};
  for (let n = 0; n < MESSAGES; n++) {
    expected[`a${n % ACCOUNTS}`] = (expected[`a${n % ACCOUNTS}`] ?? 0) + amountOf(n);
  }
  expect(await balances()).toEqual(expected);
}, 600_000);
