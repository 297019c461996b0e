import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { Database } from '../../lib/drivers/postgres/connection/database.js';
import { Hints } from '../../lib/drivers/postgres/connection/hints.js';
import { Listener } from '../../lib/drivers/postgres/connection/listener.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { SchemaName } from '../../lib/drivers/postgres/connection/statements.js';
import { prepareSchema } from '../../lib/drivers/postgres/schema/prepare-schema.js';
import { Streams } from '../../lib/drivers/postgres/streams/streams.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

const NAME = 'A schema, ünique';

function opened(options: PostgresOptions = {}) {
  const schema = new SchemaName(NAME);
  const events = new EventBus();
  const database = new Database({
    options: { url: server.url, ...options },
    schema,
    events,
    prepare: (statements) => prepareSchema(statements, { schema, migrate: true }),
  });
  const { pollInterval, hints: wanted = true } = options;
  const listener = new Listener({ database, events, wanted, pollInterval });
  const hints = new Hints(database, wanted);
  const warnings: string[] = [];
  events.on('warning', ({ code }) => warnings.push(code));
  onTestFinished(async () => {
    await hints.flush();
    await listener.close();
    await database.close();
  });
  return { database, hints, listener, warnings };
}

/** Ends the connection that listens. */
const endListener = async (): Promise<void> => {
  await server.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %'`,
  );
};

test('hints reach the listeners of their kind in other connections', async () => {
  const [one, other] = [opened(), opened()];
  const heard: (readonly string[])[] = [];
  other.listener.on('messages', (what) => heard.push(what));
  other.listener.on('delays', () => heard.push(['wrong']));
  await until('it listens', () => other.listener.hears);
  heard.length = 0;
  one.hints.tell('messages', 'orders', 'an "odd"\0 name');
  one.hints.tell('messages', 'orders');
  await until('the hint is heard', () => heard.length > 0);
  expect(heard).toEqual([['orders', 'an "odd"\0 name']]);
  expect(other.listener.pollInterval).toBe(1000);
});

test('more hints than fit into one notification arrive, and one that is too long means all', async () => {
  const one = opened();
  const heard: (readonly string[])[] = [];
  one.listener.on('messages', (what) => heard.push(what));
  await until('it listens', () => one.listener.hears);
  heard.length = 0;
  const names = Array.from({ length: 3000 }, (_, at) => `stream-${at}`);
  one.hints.tell('messages', ...names, 'x'.repeat(8000));
  await until('all arrive', () => heard.flat().length === 3000);
  expect(heard.flat().sort()).toEqual(names.sort());
  expect(heard.filter((what) => what.length === 0)).toHaveLength(1);
});

test('a listener whose connection ends listens again, and is told to look', async () => {
  const one = opened();
  let looks = 0;
  one.listener.on('messages', (what) => (looks += what.length === 0 ? 1 : 0));
  await until('it listens', () => one.listener.hears);
  expect(looks).toBe(1);
  await endListener();
  await until('it listens again', () => looks === 2);
  expect(one.warnings).toEqual([]);
});

test('hints that were late once are tried out again, without a warning', async () => {
  const { database, listener, warnings } = opened();
  await database.ready();
  const sending = vi.spyOn(database, 'query').mockResolvedValueOnce({ rows: [], rowCount: 0 });
  listener.on('messages', () => undefined);
  await until('it listens', () => listener.hears, 10_000);
  expect([sending.mock.calls.length, warnings]).toEqual([2, []]);
});

test('behind a transaction pooler hints are off, which is said once', async () => {
  const pooler = await startPgBouncer(server.server);
  onTestFinished(() => pooler.stop());
  const one = opened({ url: pooler.url('test') });
  let heard = 0;
  one.listener.on('messages', () => heard++);
  await until('hints are off', () => one.warnings.length > 0);
  expect(one.warnings).toEqual(['NO_HINTS']);
  expect(one.listener.pollInterval).toBe(200);
  one.listener.on('delays', () => heard++);
  one.hints.tell('messages', 'orders');
  await one.hints.flush();
  const { rows } = await one.database.query<{ n: number }>('a test', 'select 1 as n');
  expect([rows, heard, one.warnings.length]).toEqual([[{ n: 1 }], 0, 1]);
});

test('behind a session pooler hints arrive', async () => {
  const pooler = await startPgBouncer(server.server, { pool_mode: 'session' });
  onTestFinished(() => pooler.stop());
  const one = opened({ url: pooler.url('test') });
  one.listener.on('messages', () => undefined);
  await until('it listens', () => one.listener.hears);
});

test('hints that are switched off need no connection', async () => {
  const one = opened({ hints: false });
  one.listener.on('messages', () => undefined);
  await one.database.ready();
  expect([one.database.connections, one.listener.pollInterval]).toEqual([1, 200]);
  expect(opened({ hints: false, pollInterval: 50 }).listener.pollInterval).toBe(50);
});

test('streams get numbers that all processes agree on', async () => {
  const databases = Array.from({ length: 5 }, () => opened().database);
  const names = Array.from({ length: 20 }, (_, at) => `stream-\ud800-\0-${at}`);
  const ids = await Promise.all(
    databases.map((database) => new Streams(database, 'p:').idsOf([...names, names[0]!])),
  );
  expect(new Set(ids[0]).size).toBe(20);
  for (const other of ids) expect(other).toEqual(ids[0]);
  const streams = new Streams(databases[0]!, 'p:');
  expect(await streams.find(names[3]!)).toBe(ids[0]![3]);
  expect(await new Streams(databases[0]!, 'q:').find(names[3]!)).toBeUndefined();
});
