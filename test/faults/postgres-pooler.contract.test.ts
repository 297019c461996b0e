import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import { startPgBouncer, type PgBouncer } from '../support/pgbouncer.js';
import { describePostgresContract, leastRole } from '../support/postgres-contract.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

/** Few, so that statements of one connection go over all of them. */
const CONNECTIONS = 6;

let server: TestPostgres;
let pooler: PgBouncer;
let options: PostgresOptions;
beforeAll(async () => {
  server = await testPostgres();
  pooler = await startPgBouncer(server.server, { default_pool_size: CONNECTIONS });
  options = { url: pooler.url('test', await leastRole(server)), migrate: false };
});
afterAll(async () => {
  await pooler.stop();
  await server.cleanup();
});

describePostgresContract('postgres behind a transaction pooler', () => ({ server, options }));

test('postgres behind a transaction pooler: hints are off, which the start says once', async () => {
  const events = new EventBus();
  const warnings: string[] = [];
  events.on('warning', ({ code }) => warnings.push(code));
  const { source } = postgres(options).open({ events, keyPrefix: '' });
  const subscription = await source.subscribe({
    streams: ['orders'],
    group: 'g',
    consumer: 'c',
    startId: '0',
    blockTimeout: 100,
    idleTimeout: 30_000,
    reclaimInterval: 1000,
  });
  await until('it is said', async () => {
    await subscription.pull(1);
    return warnings.includes('NO_HINTS');
  });
  await source.publish([{ stream: 'orders', fields: ['event_type', 'made', 'payload', '1'] }]);
  await until('the message is found', async () => (await subscription.pull(1)).length === 1);
  expect(warnings).toEqual(['NO_HINTS']);
  await subscription.close();
  await source.close();
});

test('postgres behind a transaction pooler: nothing is left on its connections', async () => {
  const { rows } = await server.pool.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity
      where datname = 'test' and usename like 'least%'`,
  );
  expect(rows[0]!.n).toBeLessThanOrEqual(CONNECTIONS);
  const locks = await server.pool.query(`select from pg_locks where locktype = 'advisory'`);
  expect(locks.rowCount).toBe(0);
});
