import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { ConnectionError } from '../../lib/core/errors/connection.errors.js';
import { ack, release, retry } from '../../lib/core/settlement.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { PostgresReader, pulls, take, valueOf } from '../support/postgres-reader.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/until.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

let stream: string;
let names = 0;
beforeEach(() => void (stream = `stream-${++names}`));

const GROUP = 'group';
/** Nothing is asked beside what the test does. */
const QUIET = { reclaimInterval: 60_000 };

function open(options: Partial<PostgresOptions> = {}): PostgresReader {
  const reader = new PostgresReader({ url: server.url, ...options });
  onTestFinished(() => reader.close());
  return reader;
}

async function openBehindProxy(): Promise<{ proxy: Proxy; reader: PostgresReader }> {
  const proxy = await startProxy(server.url);
  const reader = new PostgresReader({ url: proxy.url, hints: false });
  onTestFinished(async () => {
    await reader.close();
    await proxy.close();
  });
  return { proxy, reader };
}

it('messages that are published one by one in one turn share a transaction, in the order of the calls', async () => {
  const { source } = open().driver;
  await source.publish([{ stream, fields: ['value', 'first'] }]);
  const values = Array.from({ length: 200 }, (_, n) => `\u{1F600}\n"${n}\\`);
  const results = await Promise.all(
    values.map((value) => source.publish([{ stream, fields: ['value', value] }])),
  );
  const { rows } = await server.pool.query<{ ids: string[]; fields: string[]; commits: string }>(
    `select array_agg(m.id::text order by m.id) as ids, array_agg(m.fields order by m.id) as fields,
      count(distinct m.xmin::text) as commits
    from streams.message m join streams.stream s on s.id = m.stream where s.name = $1`,
    [stream],
  );
  const [{ ids, fields, commits }] = rows as [(typeof rows)[0]];
  expect(ids.slice(1)).toEqual(results.flat());
  expect(fields.slice(1)).toEqual(values.map((value) => JSON.stringify(['value', value])));
  expect(commits).toBe('2');
});

describe('an answer that is lost', () => {
  it('of a claim: its entries are adopted at once, and reported', async () => {
    const { proxy, reader } = await openBehindProxy();
    const adopted = reader.record('adopted');
    const subscription = await reader.read(stream, GROUP, QUIET);
    await pulls(subscription, 2);
    const [id] = await open().publish(stream, 'a');
    const cut = proxy.cutAtReply();
    const taking = take(subscription, 1, 8000);
    await cut;
    const [lease] = await taking;
    expect(lease).toMatchObject({ id, attempt: 1, charged: false });
    expect(adopted).toEqual([{ stream, group: GROUP, count: 1 }]);
    expect(await subscription.begin(lease!)).toBe('started');
    await reader.ack(lease!);
  });

  it('of a publication: what follows it is not sent, so that none overtakes it', async () => {
    const { proxy, reader } = await openBehindProxy();
    await reader.publish(stream, 'first');
    const fields = (value: number) => ['value', String(value)];
    const entries = Array.from({ length: 1500 }, (_, value) => ({ stream, fields: fields(value) }));
    const cut = proxy.cutAtReply();
    const publishing = reader.driver.source.publish(entries);
    await cut;
    const outcomes = (await publishing).map((result) => (result as ConnectionError).outcome);
    expect(outcomes).toEqual([...Array(1000).fill('unknown'), ...Array(500).fill('not-sent')]);
    const { rows } = await server.pool.query(
      `select from streams.message m join streams.stream s on s.id = m.stream
      where s.name = $1 and m.fields = any ($2)`,
      [stream, entries.slice(1000).map((entry) => JSON.stringify(entry.fields))],
    );
    expect(rows).toEqual([]);
  });

  it('of a settlement: carried out again it says what became of it', async () => {
    const { proxy, reader } = await openBehindProxy();
    const { source } = reader.driver;
    const subscription = await reader.read(stream, GROUP, QUIET);
    await reader.publish(stream, 'a', 'b');
    const [plain, publishing] = await take(subscription, 2);
    const next = `${stream}-next`;
    const publish = [{ stream: next, fields: ['value', 'next'] }];
    await reader.publish(next, 'first');
    for (const [settling, outcome] of [
      [{ lease: plain!, settlement: ack }, 'settled'],
      [{ lease: publishing!, settlement: { ...ack, publish } }, 'gone'],
    ] as const) {
      const cut = proxy.cutAtReply();
      const first = source.settle([settling]);
      await cut;
      expect(await first).toEqual([expect.objectContaining({ code: 'POSTGRES_CONNECTION' })]);
      expect(await source.settle([settling])).toEqual([outcome]);
    }
    const follower = await open().read(next, GROUP);
    expect((await take(follower, 2)).map(valueOf)).toEqual(['first', 'next']);
    expect(await pulls(follower, 2)).toEqual([]);
  });

  it('of a retry or a release: carried out again it does no harm', async () => {
    const { proxy, reader } = await openBehindProxy();
    const { source } = reader.driver;
    const subscription = await reader.read(stream, GROUP, QUIET);
    await reader.publish(stream, 'a', 'b');
    const [parked, released] = await take(subscription, 2);
    for (const settling of [
      { lease: parked!, settlement: retry(0) },
      { lease: released!, settlement: release },
    ]) {
      const cut = proxy.cutAtReply();
      const first = source.settle([settling]);
      await cut;
      await first;
      expect(await source.settle([settling])).not.toEqual([expect.any(Error)]);
    }
    expect(await subscription.begin(parked!)).toBe('started');
    expect(parked!.attempt).toBe(2);
    const peer = await open().read(stream, GROUP, { consumer: 'B' });
    expect(await take(peer, 1)).toMatchObject([{ id: released!.id, attempt: 0, charged: false }]);
  });
});

describe('messages of transactions', () => {
  it('that commit late are neither skipped nor handed out twice', async () => {
    const reader = open();
    const subscription = await reader.read(stream, GROUP);
    const { rows } = await server.pool.query('select id from streams.stream where name = $1', [
      stream,
    ]);
    const client = await server.pool.connect();
    await client.query('begin');
    await client.query(`select streams.publish($1, $2)`, [[rows[0].id], ['["value","late"]']]);
    const [early] = await reader.publish(stream, 'early');
    const [first] = await take(subscription, 1);
    expect([valueOf(first!), first!.id]).toEqual(['early', early]);
    await reader.ack(first!);
    await client.query('commit');
    client.release();
    const [second] = await take(subscription, 1);
    expect(valueOf(second!)).toBe('late');
    expect(BigInt(second!.id)).toBeLessThan(BigInt(early!));
    await reader.ack(second!);
    expect(await pulls(subscription, 3)).toEqual([]);
  });

  it('that are rolled back never existed', async () => {
    const reader = open();
    const subscription = await reader.read(stream, GROUP);
    const { rows } = await server.pool.query('select id from streams.stream where name = $1', [
      stream,
    ]);
    const client = await server.pool.connect();
    await client.query('begin');
    await client.query(`select streams.publish($1, $2)`, [[rows[0].id], ['["value","no"]']]);
    await client.query('rollback');
    client.release();
    await reader.publish(stream, 'yes');
    expect((await take(subscription, 1)).map(valueOf)).toEqual(['yes']);
    expect(await pulls(subscription, 3)).toEqual([]);
  });
});

describe('consumers', () => {
  it('two processes with one name share the messages, each handled once', async () => {
    const processes = [open(), open()];
    const values = Array.from({ length: 400 }, (_, at) => String(at));
    const seen: string[] = [];
    const readers = await Promise.all(processes.map((one) => one.read(stream, GROUP)));
    const adopted = processes.map((one) => one.record('adopted'));
    await processes[0]!.publish(stream, ...values);
    const handle = async (at: number): Promise<void> => {
      while (seen.length < values.length) {
        for (const lease of await readers[at]!.pull(7)) {
          seen.push(valueOf(lease)!);
          await processes[at]!.ack(lease);
        }
      }
    };
    await Promise.all([handle(0), handle(1)]);
    expect(seen.toSorted()).toEqual(values.toSorted());
    expect(adopted.flat()).toEqual([]);
  });

  it('that fall silent with entries are reported once, and removed when they have none', async () => {
    const dead = open();
    const living = open();
    const crashed = living.record('consumer-crashed');
    const removed = living.record('consumer-removed');
    await dead.publish(stream, 'a', 'b');
    const times = { idleTimeout: 200, crashedAfter: 400 };
    const abandoned = await dead.read(stream, GROUP, { consumer: 'dead', ...times });
    expect(await take(abandoned, 1)).toHaveLength(1);
    await abandoned.stop();
    const subscription = await living.read(stream, GROUP, times);
    const taken = await take(subscription, 2);
    await until('the crash is reported', async () => {
      expect(await subscription.extend(taken)).toEqual(['held', 'held']);
      await subscription.pull(1);
      return crashed.length > 0;
    });
    expect(crashed).toMatchObject([
      { stream, group: GROUP, consumer: 'dead', error: { code: 'CONSUMER_CRASHED', pending: 1 } },
    ]);
    await server.pool.query(
      `update streams.member set seen_at = seen_at - interval '1 hour' where consumer = 'dead'`,
    );
    await until('it is removed', async () => {
      await subscription.pull(1);
      return removed.length > 0;
    });
    expect(removed).toEqual([{ stream, group: GROUP, consumer: 'dead' }]);
    expect(crashed).toHaveLength(1);
  });
});

it('claims read what they hand out, also where the planner knows nothing of the tables', async () => {
  const many = Array.from({ length: 3000 }, (_, at) => String(at));
  const reader = open();
  const other = await reader.read(`${stream}-other`, GROUP);
  const subscription = await reader.read(stream, GROUP, { consumer: 'B' });
  await Promise.all([pulls(subscription, 2), pulls(other, 2)]);
  await reader.publish(`${stream}-other`, ...many);
  await reader.publish(stream, ...many);
  await server.pool.query('select pg_stat_reset()');
  const leases = await take(subscription, many.length);
  for (let at = 0; at < many.length; at += 100) await reader.ack(...leases.slice(at, at + 100));
  const read = async (table: string): Promise<number> => {
    const { rows } = await server.pool.query<{ read: string }>(
      `select seq_tup_read + idx_tup_fetch as read from pg_stat_user_tables where relname = $1`,
      [table],
    );
    return Number(rows[0]!.read);
  };
  await until('the server has counted', async () => (await read('message')) >= many.length);
  expect(await read('message')).toBeLessThan(2 * many.length);
  expect(await read('delivery')).toBeLessThan(6 * many.length);
});

it('two processes that settle the same entries in other orders do not end in a deadlock', async () => {
  const [one, other] = [open(), open()];
  const before = await one.read(stream, GROUP, QUIET);
  await one.publish(stream, 'a', 'b', 'c');
  const lost = await take(before, 3);
  const after = await other.read(stream, GROUP, { consumer: 'B', idleTimeout: 1 });
  const taken = await take(after, 3);
  const client = await server.pool.connect();
  onTestFinished(() => client.release(true));
  await client.query('begin');
  await client.query('select from streams.delivery where message = $1 for update', [lost[1]!.id]);
  const waiting = async (): Promise<number> => {
    const { rows } = await server.pool.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%acknowledge%'`,
    );
    return rows.length;
  };
  const settled = [one.ack(...lost)];
  await until('the first one waits', async () => (await waiting()) === 1);
  settled.push(other.ack(...[...taken].reverse()));
  await until('both wait', async () => (await waiting()) === 2);
  await client.query('commit');
  await Promise.all(settled);
  await Promise.all([one.close(), other.close()]);
  await until('the server has counted', async () => {
    const { rows } = await server.pool.query(
      "select from pg_stat_activity where application_name = 'nestjs-redis-streams'",
    );
    return rows.length === 0;
  });
  const { rows } = await server.pool.query<{ deadlocks: string }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  expect(rows[0]!.deadlocks).toBe('0');
});
