import { inspect } from 'node:util';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsError } from '../../lib/core/errors/streams.error.js';
import { Database } from '../../lib/drivers/postgres/connection/database.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { SchemaName, type Statements } from '../../lib/drivers/postgres/connection/statements.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { secret, secretInUrl } from '../support/secrets.js';
import { until } from '../support/until.js';

let server: TestPostgres;
beforeAll(async () => {
  server = await testPostgres({ settings: { max_connections: 20 } });
  await server.pool.query('create table counter (id int primary key, n int not null)');
  await server.pool.query('insert into counter select id, 0 from generate_series(1, 10) id');
});
afterAll(() => server.cleanup());

/** A database without a schema of the driver. */
function opened(options: PostgresOptions = {}) {
  const events = new EventBus();
  const told: string[] = [];
  const errors: Error[] = [];
  events.on('connected', ({ role }) => told.push(`connected ${role}`));
  events.on('disconnected', ({ role, error }) => {
    told.push(`disconnected ${role}`);
    errors.push(error);
  });
  events.on('unreachable', ({ address, error }) => {
    told.push(`unreachable ${address}`);
    errors.push(error);
  });
  const database = new Database({
    options: options.pool ? options : { url: server.url, ...options },
    schema: new SchemaName('streams'),
    events,
    prepare: async () => undefined,
  });
  onTestFinished(() => database.close());
  return { database, told, errors };
}

const one = (on: Statements) => on.query<{ one: number }>('a test', 'select 1 as one');

const failure = (work: Promise<unknown>): Promise<StreamsError> =>
  work.then(
    () => expect.fail('it should have failed'),
    (error: StreamsError) => error,
  );

/** Ends connections of the driver, as their administrator may. */
const terminate = (where = 'true') =>
  server.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'nestjs-redis-streams' and ${where}`,
  );

/** Resolves when so many statements of the driver wait for a lock. */
const waiting = (count: number) =>
  until('the statements wait', async () => {
    const { rows } = await server.pool.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'`,
    );
    return rows[0]!.n === count;
  });

/** Holds a row until the returned function is called. */
async function holding(id: number): Promise<() => Promise<void>> {
  const client = await server.pool.connect();
  await client.query('begin');
  await client.query('update counter set n = n where id = $1', [id]);
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

/** Resolves when the driver has noticed that the server is away. */
const terminated = (database: Database) => until('it is noticed', () => database.isAway);

const raise = (id: number) =>
  ['raising', 'update counter set n = n + 1 where id = $1 returning n', [id]] as const;

describe('a connection that is ended', () => {
  test('while nothing runs is replaced, which events tell', async () => {
    const { database, told, errors } = opened();
    await Promise.all([one(database), one(database), one(database)]);
    await terminate();
    await until('it is back', () => told.at(-1) === 'connected commands' && told.length >= 3);
    expect(told.slice(0, 3)).toEqual([
      'connected commands',
      'disconnected commands',
      'connected commands',
    ]);
    expect(errors[0]).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'unknown' });
    expect((await one(database)).rows).toEqual([{ one: 1 }]);
  });

  test('under a statement fails that one, whose fate is not known', async () => {
    const { database, told } = opened();
    const release = await holding(1);
    const failed = failure(database.query(...raise(1)));
    await waiting(1);
    await terminate();
    expect(await failed).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'unknown' });
    await release();
    await until('it is back', () => told.at(-1) === 'connected commands');
    expect((await database.query(...raise(1))).rows).toEqual([{ n: 1 }]);
  });

  test('in a transaction undoes all of it', async () => {
    const { database } = opened();
    const work = database.transaction('a test', async (own) => {
      await own.query(...raise(2));
      await terminate();
      await one(own);
    });
    expect(await failure(work)).toMatchObject({ code: 'POSTGRES_CONNECTION' });
    expect((await database.query(...raise(2))).rows).toEqual([{ n: 1 }]);
  });

  test('of a pool of the application is no error of the process', async () => {
    const pool = new Pool({
      connectionString: server.url,
      application_name: 'nestjs-redis-streams',
    });
    const { database, told } = opened({ pool });
    await one(database);
    await terminate();
    await until('it is back', () => told.length >= 3);
    await one(database);
    await database.close();
    await pool.query('select 1');
    // What listens for a driver goes with it: the pool may have many of them, one after the other.
    expect(pool.eventNames()).toEqual([]);
    await pool.end();
  });
});

describe('a server', () => {
  test('that restarts under use is found again, and nothing is sent twice', async () => {
    const { database, told } = opened();
    const ids = [3, 4, 5];
    const done = new Map(ids.map((id) => [id, 0]));
    const lost = new Map(ids.map((id) => [id, 0]));
    let over = false;
    const loops = ids.map(async (id) => {
      while (!over) {
        await database.query(...raise(id)).then(
          () => done.set(id, done.get(id)! + 1),
          (error: { outcome?: string }) => {
            if (error.outcome === 'unknown') lost.set(id, lost.get(id)! + 1);
          },
        );
      }
    });
    await until('it is used', () => ids.every((id) => done.get(id)! > 20));
    for (const end of ['restart', 'kill'] as const) {
      if (end === 'restart') await server.server.restart();
      else {
        await server.server.kill();
        await server.server.start();
      }
      const before = [...done.values()];
      await until('it is used again', () =>
        ids.every((id, at) => done.get(id)! > before[at]! + 20),
      );
    }
    over = true;
    await Promise.all(loops);
    const { rows } = await server.pool.query<{ id: number; n: number }>(
      'select id, n from counter where id = any($1)',
      [ids],
    );
    for (const { id, n } of rows) {
      expect(n).toBeGreaterThanOrEqual(done.get(id)!);
      expect(n).toBeLessThanOrEqual(done.get(id)! + lost.get(id)!);
    }
    expect(told.filter((event) => event.startsWith('disconnected')).length).toBeGreaterThan(1);
    expect(told.at(-1)).toBe('connected commands');
  });

  test('that hangs does not hold statements, or the end of the process, for longer than the timeout', async () => {
    const { database, told } = opened({ statementTimeout: 1000, connectTimeout: 1000 });
    const { database: idle } = opened();
    await Promise.all([one(database), one(idle)]);
    server.server.freeze();
    onTestFinished(() => server.server.thaw());
    const error = await failure(one(database));
    expect(error).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'unknown' });
    expect(await failure(one(database))).toMatchObject({ outcome: 'not-sent' });
    expect(told).toEqual(['connected commands', 'disconnected commands']);
    const { database: another } = opened();
    another.connect();
    const all = [database, idle, another];
    await Promise.all(all.map((each) => each.close()));
    await until('no connection is left', () => all.every(({ connections }) => connections === 0));
    server.server.thaw();
  });

  test('that is away for a moment is waited for, and nothing fails', async () => {
    const { database } = opened();
    await one(database);
    await server.server.kill();
    await terminated(database);
    const waits = Promise.all([one(database), database.query(...raise(6))]);
    await server.server.start();
    const [first, second] = await waits;
    expect([first.rows, second.rows]).toEqual([[{ one: 1 }], [{ n: 1 }]]);
  });

  test('that stays away is waited for no longer than connectTimeout', async () => {
    const { database } = opened({ connectTimeout: 1000 });
    await one(database);
    await server.server.kill();
    await terminated(database);
    const began = performance.now();
    const errors = await Promise.all([failure(one(database)), failure(one(database))]);
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(performance.now() - began).toBeLessThan(4000);
    await server.server.start();
    expect(errors[1]!.message).toContain(`(tried 127.0.0.1:${server.server.port} for 1 s)`);
    expect(errors[1]).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'not-sent' });
  });

  test('that is not there is told of after a second, and found when it is', async () => {
    const { port } = server.server;
    await server.server.kill();
    const { database, told, errors } = opened();
    database.connect();
    await until('it is told', () => told.length > 0);
    expect(told).toEqual([`unreachable 127.0.0.1:${port}`]);
    expect(errors[0]).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'not-sent' });
    expect(errors[0]!.message).toContain(`ECONNREFUSED`);
    await server.server.start();
    await until('it is found', () => told.at(-1) === 'connected commands');
  });

  test('that starts after the application is waited for', async () => {
    await server.server.kill();
    const { database, told } = opened();
    const answers = Promise.all([one(database), one(database)]);
    await until('it is told', () => told.length > 0);
    await server.server.start();
    expect((await answers).map(({ rows }) => rows)).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  });

  test('that does not start is waited for no longer than connectTimeout at the start', async () => {
    const { database } = opened({ url: 'postgres://127.0.0.1:1/none', connectTimeout: 700 });
    const began = performance.now();
    const refused = { code: 'POSTGRES_CONNECTION', outcome: 'not-sent' };
    expect(await failure(one(database))).toMatchObject(refused);
    expect(performance.now() - began).toBeGreaterThanOrEqual(690);
  });

  test('that refuses the login is not waited for', async () => {
    const url = server.server.url('test', { name: 'postgres', password: 'wrong' });
    const began = performance.now();
    expect((await failure(one(opened({ url }).database))).message).toContain('password');
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('that takes no more connections is asked again, and what waits too long is told why', async () => {
    const role = await server.server.createRole('single', secret('user'), 'connection limit 1');
    await server.pool.query('grant all on counter to single');
    const url = server.server.url('test', role);
    const { database, told } = opened({ url, connectTimeout: 1000 });
    const release = await holding(6);
    const blocked = database.query(...raise(6));
    await waiting(1);
    expect(await failure(one(database))).toMatchObject({
      code: 'TOO_MANY_CONNECTIONS',
      outcome: 'not-sent',
      message: expect.stringContaining('Raise max_connections') as string,
    });
    const waits = one(database);
    await release();
    await blocked;
    expect((await waits).rows).toEqual([{ one: 1 }]);
    expect(told).toEqual(['connected commands']);
  });

  test.each<[string, () => PostgresOptions, string]>([
    [
      'a wrong password',
      () => ({ url: server.url.replace(/:[^:@]*@/, ':wrong@') }),
      'correct the user name and the password',
    ],
    ['a database that is not there', () => ({ url: server.server.url('nowhere') }), 'create the'],
  ])('refuses %s', async (_, options, advice) => {
    const error = await failure(one(opened(options()).database));
    expect(error).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'not-sent' });
    expect(error.message).toContain(advice);
  });
});

describe('a pool', () => {
  test('all of whose connections are in use is named as the reason', async () => {
    const { database, told } = opened({ maxConnections: 1, connectTimeout: 1000 });
    const release = await holding(7);
    const blocked = database.query(...raise(7));
    await waiting(1);
    const error = await failure(one(database));
    expect(error).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'not-sent' });
    expect(error.message).toContain('raise maxConnections');
    await release();
    await blocked;
    expect(told).toEqual(['connected commands']);
  });
});

describe('a statement', () => {
  test('that gets no answer in time is given up by the server, too', async () => {
    const { database } = opened({ statementTimeout: 1000 });
    const release = await holding(8);
    const error = await failure(database.query(...raise(8)));
    expect(error).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'unknown' });
    await waiting(0);
    await release();
    expect((await database.query(...raise(8))).rows).toEqual([{ n: 1 }]);
  });

  test.each(['statement_timeout', 'lock_timeout'])(
    'is given up at the %s of a role',
    async (setting) => {
      const role = await server.server.createRole(`impatient ${setting}`, secret('user'));
      await server.pool.query(`alter role "${role.name}" set ${setting} = 100`);
      await server.pool.query(`grant all on counter to "${role.name}"`);
      const { database, told } = opened({ url: server.server.url('test', role) });
      const release = await holding(9);
      onTestFinished(release);
      expect(await failure(database.query(...raise(9)))).toMatchObject({
        code: 'STATEMENT_CANCELLED',
        message: expect.stringContaining('Raise that timeout') as string,
      });
      expect(told).toEqual(['connected commands']);
    },
  );

  test('that writes is refused by a standby, and goes over a new connection then', async () => {
    const role = await server.server.createRole('reader', secret('user'));
    await server.pool.query(`alter role reader set default_transaction_read_only = on`);
    await server.pool.query(`grant all on counter to reader`);
    const { database } = opened({ url: server.server.url('test', role) });
    await one(database);
    expect(await failure(database.query(...raise(10)))).toMatchObject({ code: 'READ_ONLY_SERVER' });
    await server.pool.query(`alter role reader set default_transaction_read_only = off`);
    expect((await database.query(...raise(10))).rows).toHaveLength(1);
  });

  test('sees what was committed before, also where its role has another isolation level', async () => {
    const role = await server.server.createRole('strict', secret('user'));
    await server.pool.query(`alter role strict set default_transaction_isolation = 'serializable'`);
    const { database } = opened({ url: server.server.url('test', role) });
    const level = async (on: Statements) =>
      (
        await on.query<{ level: string }>(
          'a test',
          `select current_setting('transaction_isolation') as level`,
        )
      ).rows[0]!.level;
    expect(await level(database)).toBe('read committed');
    expect(await database.transaction('a test', level)).toBe('read committed');
  });
});

describe('transactions in conflict', () => {
  /** Two transactions that take two rows in opposite order. */
  const crossed = (database: Database, calls: string[], ids: readonly [number, number]) => {
    let met: () => void;
    const both = new Promise<void>((resolve) => (met = resolve));
    let at = 0;
    const run = ([first, second]: readonly [number, number], name: string) =>
      database.transaction('a test', async (own) => {
        calls.push(name);
        await own.query(...raise(first));
        if (++at >= 2) met();
        await both;
        await own.query(...raise(second));
      });
    return Promise.all([run(ids, 'one'), run([ids[1], ids[0]], 'other')]);
  };

  test('are carried out again after a deadlock', async () => {
    const { database } = opened();
    await server.pool.query('insert into counter values (21, 0), (22, 0)');
    const calls: string[] = [];
    await crossed(database, calls, [21, 22]);
    expect(calls.length).toBe(3);
    const { rows } = await server.pool.query('select n from counter where id in (21, 22)');
    expect(rows).toEqual([{ n: 2 }, { n: 2 }]);
  });

  test.each(['40001', '40P01'])(
    'fail with a typed error where that goes on (%s)',
    async (state) => {
      const { database } = opened();
      let calls = 0;
      const work = database.transaction('a test', async (own) => {
        calls++;
        await own.query(
          'a test',
          `do $$ begin raise exception 'again' using errcode = '${state}'; end $$`,
        );
      });
      expect(await failure(work)).toMatchObject({ code: 'TRANSACTION_CONFLICT' });
      expect(calls).toBe(5);
    },
  );

  test('are not carried out again on a connection of the application', async () => {
    const { database } = opened();
    const client = await server.pool.connect();
    const error = await failure(
      database
        .on(client)
        .query('a test', `do $$ begin raise exception 'again' using errcode = '40001'; end $$`),
    );
    client.release();
    expect(error).toMatchObject({ code: 'TRANSACTION_CONFLICT' });
  });
});

test.each<[string, string, string]>([
  ['a full disk', '53100', 'SERVER_RESOURCES'],
  ['no memory', '53200', 'SERVER_RESOURCES'],
  ['a value that does not fit', '22003', 'SERVER_REPLY'],
  ['a missing right', '42501', 'PERMISSION_DENIED'],
  ['a server that starts', '57P03', 'POSTGRES_CONNECTION'],
  ['a server that ends', '57P01', 'POSTGRES_CONNECTION'],
])('the error of %s has a code of its own', async (_, state, code) => {
  const { database } = opened();
  const error = await failure(
    database.query('a test', `do $$ begin raise exception 'no' using errcode = '${state}'; end $$`),
  );
  expect(error).toMatchObject({ code, cause: { code: state } });
});

test('no error shows the password', async () => {
  const role = await server.server.createRole('secretive', secret('user'));
  const { database, errors } = opened({ url: server.server.url('test', role) });
  await one(database);
  await terminate();
  await until('it is told', () => errors.length > 0);
  errors.push(await failure(database.query('a test', 'oops')));
  const text = errors.map((error) => inspect(error, { depth: 9, showHidden: true })).join();
  expect(text).not.toContain(secret('user'));
  expect(text).not.toContain(secretInUrl('user'));
});

test('a driver shows no password anywhere', async () => {
  const role = await server.server.createRole('hidden', secret('user'));
  const url = server.server.url('test', role);
  const pool = new Pool({ connectionString: url });
  // Its connections close after `end` has resolved: the server may stop meanwhile.
  pool.on('error', () => undefined);
  onTestFinished(() => pool.end());
  for (const options of [{ url }, { pool }]) {
    const driver = postgres(options).open({ events: new EventBus(), keyPrefix: '' });
    onTestFinished(() => driver.source.close());
    await driver.state!.get('anything').catch(() => undefined);
    const text = inspect(driver, { depth: 20, showHidden: true });
    expect(text).not.toContain(secret('user'));
    expect(text).not.toContain(secretInUrl('user'));
  }
});
