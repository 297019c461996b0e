import { afterAll, beforeAll, expect, test } from 'vitest';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import { StreamsTransport } from '../../lib/nest/transport/streams.transport.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { elapse } from '../support/passing-time.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

/** How long to measure for, ms. */
const WINDOW = 10_000;
/** Statements per second of a process with nothing to do. */
const MOST = 2;

let server: TestPostgres;
beforeAll(async () => {
  server = await testPostgres({ settings: { shared_preload_libraries: 'pg_stat_statements' } });
  await server.pool.query('create extension pg_stat_statements');
});
afterAll(() => server.cleanup());

/** The statements of clients since the last call, with how often each was sent. Not those within functions. */
async function statements(): Promise<{ query: string; calls: number }[]> {
  const { rows } = await server.pool.query<{ query: string; calls: number }>(
    `select query, calls::int as calls from pg_stat_statements
      where toplevel and query not like '%pg_stat_statements%' order by calls desc`,
  );
  await server.pool.query('select pg_stat_statements_reset()');
  return rows;
}

test('a process with nothing to do sends few statements', { timeout: 60_000 }, async () => {
  const transport = new StreamsTransport({
    slots: inAllSlots(postgres({ url: server.url })),
    group: 'idle',
  });
  transport.addHandler('order', async () => undefined, true);
  await new Promise<void>((resolve, reject) =>
    transport.listen((error?: unknown) => (error ? reject(error as Error) : resolve())),
  );
  await until('hints are tried out', async () => {
    const { rows } = await server.pool.query(
      `select from pg_stat_statements where query like 'select pg_notify%'`,
    );
    return rows.length > 0;
  });
  // What is sent once, at the start.
  await elapse(2000);
  await statements();
  await elapse(WINDOW);
  const sent = await statements();
  const count = sent.reduce((sum, { calls }) => sum + calls, 0);
  const list = sent.map(({ calls, query }) => `${calls} ${query.replaceAll(/\s+/g, ' ')}`);
  expect(count, list.join('\n')).toBeGreaterThan(0);
  expect((count * 1000) / WINDOW, list.join('\n')).toBeLessThan(MOST);
  await transport.close();
});
