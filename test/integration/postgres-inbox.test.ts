import { Pool, type PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { InboxTransactionError } from '../../lib/drivers/postgres/errors/inbox.errors.js';
import {
  PostgresInbox,
  type PostgresInboxOptions,
} from '../../lib/drivers/postgres/inbox/postgres.inbox.js';
import type { Transactions } from '../../lib/ports/sql-transaction.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

const LONG = 60_000;

let server: TestPostgres;
const inboxes: PostgresInbox<never>[] = [];
beforeAll(async () => {
  server = await testPostgres();
  await server.pool.query('create table effect (key text, by text)');
  await server.pool.query('create table number (key text primary key, value int)');
});
afterAll(() => server.cleanup());
afterEach(async () => {
  await Promise.all(inboxes.splice(0).map((inbox) => inbox.close()));
});

let at = 0;
let key: { stream: string; group: string; handler: string; key: string };
beforeEach(() => void (key = { stream: 's', group: 'g', handler: 'h', key: `k${++at}` }));

function open<T = PoolClient>(options: PostgresInboxOptions<T> = {}): PostgresInbox<T> {
  const inbox = new PostgresInbox<T>({ ...(options.pool ? {} : { url: server.url }), ...options });
  inboxes.push(inbox as PostgresInbox<never>);
  return inbox;
}

const write = (client: PoolClient, by: string) =>
  client.query('insert into effect values ($1, $2)', [key.key, by]);

const effects = async (): Promise<string[]> => {
  const { rows } = await server.pool.query<{ by: string }>('select by from effect where key = $1', [
    key.key,
  ]);
  return rows.map(({ by }) => by);
};

/** Resolves when this many have come. */
function meeting(of: number): () => Promise<void> {
  let here = 0;
  let meet!: () => void;
  const met = new Promise<void>((resolve) => (meet = resolve));
  return () => {
    if (++here === of) meet();
    return met;
  };
}

describe('an inbox in PostgreSQL', () => {
  test('keeps the writes of the run together with its note', async () => {
    const inbox = open();
    let seen: string[] | undefined;
    const outcome = await inbox.run(key, LONG, async (client) => {
      await write(client, 'first');
      seen = await effects();
      return 7;
    });
    expect(outcome).toEqual({ duplicate: false, result: 7 });
    expect(seen).toEqual([]);
    expect(await effects()).toEqual(['first']);
    const again = await open().run(key, LONG, (client) => write(client, 'second'));
    expect(again).toEqual({ duplicate: true });
    expect(await effects()).toEqual(['first']);
  });

  test('keeps nothing of a run that fails, and the run rejects with its error', async () => {
    const inbox = open();
    const failing = inbox.run(key, LONG, async (client) => {
      await write(client, 'first');
      throw new TypeError('no');
    });
    await expect(failing).rejects.toThrow(TypeError);
    const refused = inbox.run(key, LONG, async (client) => {
      await write(client, 'first');
      await client.query('select 1 / 0');
    });
    await expect(refused).rejects.toMatchObject({ code: '22012' });
    expect(await effects()).toEqual([]);
    await inbox.run(key, LONG, (client) => write(client, 'second'));
    expect(await effects()).toEqual(['second']);
  });

  test('of two runs at a time, in two processes, keeps the writes of one', async () => {
    const both = meeting(2);
    const run = (by: string) =>
      open().run(key, LONG, async (client) => {
        await write(client, by);
        await both();
      });
    const outcomes = await Promise.all([run('A'), run('B')]);
    expect(outcomes.filter(({ duplicate }) => duplicate)).toHaveLength(1);
    expect(await effects()).toEqual([outcomes[0]!.duplicate ? 'B' : 'A']);
  });

  test('of two serializable runs keeps one, and no error tells of the other', async () => {
    await server.pool.query('insert into number values ($1, 0)', [key.key]);
    const both = meeting(2);
    const run = () =>
      open().run(key, LONG, async (client) => {
        await client.query('set transaction isolation level serializable');
        const { rows } = await client.query<{ value: number }>(
          'select value from number where key = $1',
          [key.key],
        );
        await both();
        return rows[0]!.value;
      });
    const outcomes = await Promise.all([run(), run()]);
    expect(outcomes.filter(({ duplicate }) => duplicate)).toHaveLength(1);
  });

  test('refuses a transaction that a caught error or the handler has ended', async () => {
    const inbox = open();
    const caught = inbox.run(key, LONG, async (client) => {
      await write(client, 'first');
      await client.query('select 1 / 0').catch(() => undefined);
    });
    await expect(caught).rejects.toThrow(InboxTransactionError);
    const ended = inbox.run(key, LONG, async (client) => client.query('rollback'));
    await expect(ended).rejects.toThrow(InboxTransactionError);
    expect(await effects()).toEqual([]);
    const saved = inbox.run(key, LONG, async (client) => {
      await client.query('savepoint careful');
      await client.query('select 1 / 0').catch(() => client.query('rollback to careful'));
      await write(client, 'saved');
    });
    expect(await saved).toMatchObject({ duplicate: false });
    expect(await effects()).toEqual(['saved']);
  });

  test('notes nothing where the handler has ended its transaction and begun another one', async () => {
    const inbox = open();
    for (const end of ['rollback', 'commit']) {
      const ended = inbox.run(key, LONG, async (client) => {
        await client.query(end);
        await client.query('begin');
        await write(client, 'other');
      });
      await expect(ended).rejects.toThrow(InboxTransactionError);
    }
    expect(await effects()).toEqual([]);
    await inbox.run(key, LONG, (client) => write(client, 'first'));
    expect(await effects()).toEqual(['first']);
  });

  test('refuses a statement after the run, and keeps it out of the run of another message', async () => {
    const inbox = open({ maxConnections: 1 });
    let late!: PoolClient;
    await inbox.run(key, LONG, async (client) => void (late = client));
    await inbox.run({ ...key, key: `${key.key}-next` }, LONG, async () => {
      await expect(write(late, 'late')).rejects.toThrow(InboxTransactionError);
      const called = new Promise((resolve) => late.query('select 1', resolve));
      expect(await called).toBeInstanceOf(InboxTransactionError);
    });
    expect(await effects()).toEqual([]);
  });

  test('refuses a statement after a run that failed, and a release by the handler', async () => {
    const inbox = open({ maxConnections: 1 });
    let late!: PoolClient;
    const failed = inbox.run(key, LONG, async (client) => {
      late = client;
      await write(client, 'failed');
      throw new TypeError('no');
    });
    await expect(failed).rejects.toThrow(TypeError);
    await expect(write(late, 'late')).rejects.toThrow(InboxTransactionError);
    const released = inbox.run(key, LONG, async (client) => {
      await write(client, 'released');
      client.release();
    });
    await expect(released).rejects.toThrow(InboxTransactionError);
    expect(await effects()).toEqual([]);
  });

  test('refuses a run within a run at once, also where every connection has a run', async () => {
    const inbox = open({ maxConnections: 2 });
    const both = meeting(2);
    const outer = (name: string) =>
      inbox.run({ ...key, key: `${key.key}-${name}` }, LONG, async () => {
        await both();
        return inbox.run({ ...key, key: `${key.key}-${name}-inner` }, LONG, async () => 1);
      });
    const outcomes = await Promise.allSettled([outer('A'), outer('B')]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: { code: 'INBOX_TRANSACTION' } });
    }
    expect(await inbox.run(key, LONG, async () => 1)).toMatchObject({ duplicate: false });
  });

  test('takes a run of what another run has started and left behind', async () => {
    const inbox = open();
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    let started!: Promise<unknown>;
    await inbox.run(key, LONG, async () => {
      started = ended.then(() =>
        inbox.run({ ...key, key: `${key.key}-later` }, LONG, async () => 'later'),
      );
    });
    end();
    expect(await started).toEqual({ duplicate: false, result: 'later' });
  });

  test('fails where its connection breaks, and goes on with another one', async () => {
    const inbox = open({ maxConnections: 1 });
    const broken = inbox.run(key, LONG, async (client) => {
      await write(client, 'first');
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      await server.pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
      await client.query('select 1');
    });
    await expect(broken).rejects.toThrow();
    expect(await effects()).toEqual([]);
    expect(await inbox.run(key, LONG, (client) => write(client, 'second'))).toMatchObject({
      duplicate: false,
    });
    expect(await effects()).toEqual(['second']);
  });

  test('knows its own note where the answer to the commit was lost', async () => {
    const pool = new Pool({ connectionString: server.url });
    pool.on('error', () => undefined);
    const lossy: Transactions<PoolClient> = {
      run: async (work) => {
        const client = await pool.connect();
        await client.query('begin');
        await work(client, client);
        await client.query('commit');
        client.release();
        throw new Error('Connection terminated unexpectedly');
      },
    };
    const inbox = open({ transactions: lossy });
    const outcome = await inbox.run(key, LONG, async (client) => {
      await write(client, 'first');
      return 'done';
    });
    expect(outcome).toEqual({ duplicate: false, result: 'done' });
    expect(await inbox.run(key, LONG, async () => 'again')).toEqual({ duplicate: true });
    await pool.end();
  });

  test('has more runs than connections wait for their turn, also while they look', async () => {
    const inbox = open({ maxConnections: 2, connectTimeout: 300 });
    let most = 0;
    let now = 0;
    const runs = Array.from({ length: 8 }, (_, index) =>
      inbox.run({ ...key, key: `${key.key}-${index}` }, LONG, async (client) => {
        most = Math.max(most, ++now);
        await client.query('select pg_sleep(0.15)');
        now--;
      }),
    );
    for (const outcome of await Promise.all(runs)) expect(outcome.duplicate).toBe(false);
    expect(most).toBe(2);
  });

  test('leaves connections of a pool of the application to it, and does not end the pool', async () => {
    const pool = new Pool({ connectionString: server.url, max: 3, connectionTimeoutMillis: 2000 });
    pool.on('error', () => undefined);
    const inbox = open({ pool });
    // Each handler needs a second connection, which it would not get from a pool that is used up.
    const runs = Array.from({ length: 6 }, (_, index) =>
      inbox.run({ ...key, key: `${key.key}-${index}` }, LONG, () => pool.query('select 1')),
    );
    for (const outcome of await Promise.all(runs)) expect(outcome.duplicate).toBe(false);
    await inbox.close();
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  test('keeps two applications with their own prefix apart', async () => {
    const one = open({ keyPrefix: 'one:' });
    const two = open({ keyPrefix: 'two:' });
    await one.run(key, LONG, (client) => write(client, 'one'));
    await two.run(key, LONG, (client) => write(client, 'two'));
    expect(await effects()).toEqual(['one', 'two']);
  });

  test('names what is wrong with its options', () => {
    expect(() => new PostgresInbox({ url: 'redis://localhost' })).toThrow(InvalidOptionsError);
  });

  test('connects with the first message', async () => {
    const inbox = open();
    expect(inbox.connections).toBe(0);
    await inbox.run(key, LONG, async () => undefined);
    await until('a connection', () => inbox.connections > 0);
  });
});
