import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import { PermissionDeniedError } from '../../lib/core/errors/server.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { Database } from '../../lib/drivers/postgres/connection/database.js';
import { SchemaName } from '../../lib/drivers/postgres/connection/statements.js';
import { GarbageCollector } from '../../lib/drivers/postgres/garbage/garbage-collector.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import { prepareSchema } from '../../lib/drivers/postgres/schema/prepare-schema.js';
import type { Driver } from '../../lib/ports/driver.js';
import { elapse } from '../support/passing-time.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

let server: TestPostgres;
let driver: Driver;
let database: Database;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

beforeEach(async () => {
  const events = new EventBus();
  driver = postgres({ url: server.url }).open({ events, keyPrefix: 'app:' });
  await driver.state!.get('anything');
  const schema = new SchemaName('streams');
  database = new Database({
    options: { url: server.url },
    schema,
    events,
    prepare: (statements) => prepareSchema(statements, { schema, migrate: false }),
  });
});
afterEach(async () => {
  await driver.source.close();
  await database.close();
});

const count = async (table: string): Promise<number> => {
  const { rows } = await server.pool.query<{ count: string }>(
    `select count(*) from streams.${table}`,
  );
  return Number(rows[0]!.count);
};

describe('the state store', () => {
  const odd = ['\u0000', 'a\u0000b', '\ud800', '\udfff', '\ud83d', '\u001a', '\u001a0000', '😀'];

  test('keeps keys and values of any text apart', async () => {
    const state = driver.state!;
    for (const text of odd) await state.set(text, `${text}!`);
    for (const text of odd) {
      expect(await state.get(text)).toBe(`${text}!`);
      expect(await state.compareAndSet(text, '!', 'wrong')).toBe(false);
      expect(await state.compareAndSet(text, `${text}!`, text)).toBe(true);
      expect(await state.get(text)).toBe(text);
    }
  });

  test('shares nothing with other key prefixes, with any keys', async () => {
    const longer = postgres({ url: server.url }).open({
      events: new EventBus(),
      keyPrefix: 'app:x',
    });
    onTestFinished(() => longer.source.close());
    await driver.state!.set('xkey', 'mine');
    expect(await longer.state!.get('key')).toBeUndefined();
    await driver.workflows!.begin('xflow', 2, 60_000);
    expect(await driver.workflows!.read('xflow')).toBeDefined();
    expect(await longer.workflows!.read('flow')).toBeUndefined();
    await server.pool.query('truncate streams.workflow cascade');
  });

  test('takes keys that are longer than what an index takes', async () => {
    const state = driver.state!;
    // Text that cannot be compressed, with a character of two halves where the key is cut.
    const noise = Array.from({ length: 9000 }, () =>
      String.fromCharCode(0x4e00 + Math.random() * 9000),
    );
    const long = `${'x'.repeat(195)}😀${noise.join('')}`;
    await state.set(`${long}1`, 'one');
    await state.set(`${long}2`, 'two');
    expect(await state.get(`${long}1`)).toBe('one');
    expect(await state.delete(`${long}1`)).toBe(true);
    expect(await state.get(`${long}2`)).toBe('two');
  });
});

describe('garbage', () => {
  const expired = (table: string, columns: string, values: string, rows: number) =>
    server.pool.query(`insert into streams.${table} (key, expires_at${columns})
      select 'old ' || n, now() - interval '8 days'${values} from generate_series(1, ${rows}) n`);

  test('is deleted in portions, and nothing else is', async () => {
    await expired('state', ', value', ", 'v'", 2500);
    await expired('completion', ', told', ", 'done'", 1000);
    await expired('inbox', ', run', ', gen_random_uuid()', 10);
    await expired('lease', ', token', ', 1', 10);
    await expired('workflow', '', '', 45);
    await server.pool.query(`insert into streams.workflow_step (workflow, step, run, failed, record)
      select id, '0', 1, false, 'r' from streams.workflow`);
    await driver.state!.set('stays', 'v');
    await driver.state!.set('stays long', 'v', 60_000);
    const lease = await driver.leases!.acquire({ stream: 's', name: 'n' }, 'A', 1);
    await driver.workflows!.record(
      [{ workflow: 'w', step: '0', run: 1, failed: false, record: 'r' }],
      60_000,
    );
    await elapse(10);
    const kept = { state: (await count('state')) - 2500, lease: (await count('lease')) - 10 };
    let statements = 0;
    const collector = new GarbageCollector(
      {
        connections: 1,
        query: (...given: Parameters<Database['query']>) => {
          statements++;
          return database.query(...given) as never;
        },
      },
      new EventBus(),
    );
    await collector.collect();
    await collector.close();
    expect(statements).toBe(3);
    expect(await count('state')).toBe(kept.state);
    expect(await count('completion')).toBe(0);
    expect(await count('inbox')).toBe(0);
    // An expired lease is remembered for a week, so that its guard still holds.
    expect(await count('lease')).toBe(kept.lease);
    expect(await driver.leases!.extend(lease!, 60_000)).toBe(true);
    expect([await count('workflow'), await count('workflow_step')]).toEqual([1, 1]);
    expect((await driver.workflows!.read('w'))!.steps.get('0')).toBe('r');
  });

  test('is looked for by indexes alone', async () => {
    const scans = async () => {
      const { rows } = await server.pool.query<{ scans: string }>(`select sum(seq_scan) as scans
        from pg_stat_user_tables where relname in ('state', 'completion', 'inbox', 'lease', 'workflow')`);
      return Number(rows[0]!.scans);
    };
    const client = await server.pool.connect();
    await client.query('select streams.collect_garbage()');
    await client.query('select pg_stat_force_next_flush()');
    const before = await scans();
    for (let turn = 0; turn < 3; turn++) await client.query('select streams.collect_garbage()');
    await client.query('select pg_stat_force_next_flush()');
    client.release();
    expect(await scans()).toBe(before);
  });

  test('is collected by a process that is connected, now and then', async () => {
    let statements = 0;
    const parts = {
      connections: 0,
      query: async () => {
        statements++;
        return { rows: [{ more: false }], rowCount: 1 } as never;
      },
    };
    const collector = new GarbageCollector(parts, new EventBus(), 20);
    collector.start();
    await elapse(100);
    expect(statements).toBe(0);
    parts.connections = 1;
    await until('two collections', () => statements >= 2);
    await collector.close();
    const then = statements;
    await elapse(60);
    expect(statements).toBe(then);
  });

  test('that a role may not delete is told once, and tried again', async () => {
    const events = new EventBus();
    const told: string[] = [];
    events.on('warning', ({ code }) => told.push(code));
    let refused = 0;
    const parts = {
      connections: 1,
      query: async () => {
        refused++;
        throw new PermissionDeniedError('deleting what has expired');
      },
    };
    const collector = new GarbageCollector(parts, events, 1);
    collector.start();
    await until('two tries', () => refused === 2);
    await collector.close();
    expect(told).toEqual(['GARBAGE_STAYS']);
  });

  test('that was not collected is missing all the same', async () => {
    const { state, completions, workflows } = driver;
    const claim = { stream: 's', group: 'g', handler: 'h', key: 'k', owner: 'A' };
    await state!.set('short', 'v', 1);
    await completions!.complete([{ claim, ttl: 1 }]);
    await workflows!.begin('ended', 7, 1);
    await workflows!.cancel('ended', 1);
    await workflows!.record(
      [{ workflow: 'ended', step: '0', run: 5, failed: true, record: 'r' }],
      1,
    );
    const arrival = { workflow: 'ended', at: '0', index: 0, of: 2, token: 'a', result: 'old' };
    await workflows!.arrive(arrival, 1);
    await elapse(20);
    expect(await state!.setIfAbsent('short', 'new')).toBe(true);
    expect(await completions!.claim([claim], 60_000)).toEqual(['claimed']);
    // Nothing of the workflow that has ended counts for one of the same name.
    const second = { ...arrival, index: 1, token: 'b', result: 'new' };
    expect(await workflows!.arrive(second, 60_000)).toBeUndefined();
    await workflows!.record(
      [{ workflow: 'ended', step: '1', run: 1, failed: false, record: 's' }],
      60_000,
    );
    expect(await workflows!.read('ended')).toEqual({
      begunAt: undefined,
      cancelled: false,
      failed: 0,
      steps: new Map([['1', 's']]),
    });
  });
});

describe('a lease', () => {
  test('gets a higher token also after its row was lost', async () => {
    const leases = driver.leases!;
    const name = { stream: 's', name: 'lost' };
    const first = (await leases.acquire(name, 'A', 60_000))!;
    await server.pool.query('delete from streams.lease');
    const second = (await leases.acquire(name, 'B', 60_000))!;
    expect(second.token).toBeGreaterThan(first.token);
    expect(await leases.extend(first, 60_000)).toBe(false);
  });
});
