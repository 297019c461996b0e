import type { PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

const LONG = 3_600_000;

let server: TestPostgres;
let stream: string;
let names = 0;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());
beforeEach(() => {
  stream = `once-${++names}`;
});

function open(): Driver {
  const driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  return driver;
}

const keyed = (key: string, value: string, window = LONG): OutgoingEntry => ({
  stream,
  fields: ['value', value],
  idempotency: { key, window },
});

async function values(): Promise<string[]> {
  const { rows } = await server.pool.query<{ fields: string }>(
    `select fields from streams.message join streams.stream on stream.id = message.stream
      where name = $1 order by message.id`,
    [stream],
  );
  return rows.map(({ fields }) => (JSON.parse(fields) as string[])[1]!);
}

async function remembered(): Promise<number> {
  const { rows } = await server.pool.query<{ count: string }>(
    `select count(*) from streams.published join streams.stream on stream.id = published.stream
      where name = $1`,
    [stream],
  );
  return Number(rows[0]!.count);
}

/** Begins a transaction of the test that has taken this key. */
async function take(key: string): Promise<PoolClient> {
  const client = await server.pool.connect();
  await client.query('begin');
  await client.query(
    `select streams.publish(array[id], array['["value","of the test"]'], array[$2], array[$3::bigint])
      from streams.stream where name = $1`,
    [stream, key, LONG],
  );
  return client;
}

async function end(client: PoolClient, how: 'commit' | 'rollback'): Promise<void> {
  await client.query(how);
  client.release();
}

const untilOneWaits = () =>
  until('a publisher waits', async () => {
    const { rows } = await server.pool.query(
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%publish%'",
    );
    return rows.length > 0;
  });

it('ten publishers with the same thousand keys, each in an order of its own, make a thousand messages', async () => {
  const keys = Array.from({ length: 1000 }, (_, at) => `key-${at}`);
  const results = await Promise.all(
    Array.from({ length: 10 }, async (_, publisher) => {
      // Other orders: publishers that took keys in the order of their batches would block each other.
      const order = publisher % 2 === 0 ? keys : keys.toReversed();
      const turned = [...order.slice(publisher * 90), ...order.slice(0, publisher * 90)];
      const ids = await open().source.publish(turned.map((key) => keyed(key, key)));
      return new Map(turned.map((key, at) => [key, ids[at]]));
    }),
  );
  expect((await values()).toSorted()).toEqual(keys.toSorted());
  for (const key of keys) {
    expect(new Set(results.map((ids) => ids.get(key))).size, key).toBe(1);
  }
});

it('waits for a transaction that has the key, and answers what became of it', async () => {
  const { source } = open();
  const [first] = await source.publish([keyed('other', 'other')]);
  expect(first).toBeTypeOf('string');
  const committed = await take('a');
  const waiting = source.publish([keyed('a', 'second')]);
  await untilOneWaits();
  await end(committed, 'commit');
  expect(await values()).toEqual(['other', 'of the test']);
  expect(await waiting).toEqual([expect.any(String)]);
  const undone = await take('b');
  const free = source.publish([keyed('b', 'mine')]);
  await untilOneWaits();
  await end(undone, 'rollback');
  expect(await free).toEqual([expect.any(String)]);
  expect(await values()).toEqual(['other', 'of the test', 'mine']);
});

it('a transaction with one snapshot that missed the first message is refused, and publishes no second', async () => {
  const { source } = open();
  await source.publish([keyed('other', 'other')]);
  const client = await server.pool.connect();
  await client.query('begin isolation level repeatable read');
  await client.query('select 1 from streams.message');
  await source.publish([keyed('k', 'first')]);
  await expect(
    client.query(
      `select streams.publish(array[id], array['["value","second"]'], array['k'], array[1000::bigint])
        from streams.stream where name = $1`,
      [stream],
    ),
  ).rejects.toMatchObject({ code: '40001' });
  await end(client, 'rollback');
  expect(await values()).toEqual(['other', 'first']);
});

it('what the server refuses gives its key back', async () => {
  const { source } = open();
  await source.publish([keyed('other', 'other')]);
  await server.pool.query(
    `create or replace function streams.refuse() returns trigger language plpgsql as
      $$ begin raise exception 'on purpose' using errcode = '22000'; end $$`,
  );
  await server.pool.query(
    `create trigger refuse before insert on streams.message for each row
      when (new.fields like '%poison%') execute function streams.refuse()`,
  );
  const results = await source.publish([keyed('good', 'good'), keyed('k', 'poison')]);
  expect(results).toEqual([expect.any(String), expect.any(Error)]);
  await server.pool.query('drop trigger refuse on streams.message');
  const [id] = await source.publish([keyed('k', 'mended')]);
  expect(id).toBeTypeOf('string');
  expect(await values()).toEqual(['other', 'good', 'mended']);
});

it('keys of any length and characters are told apart', async () => {
  const { source } = open();
  const long = '長'.repeat(5000);
  const keys = [
    '',
    'a',
    '\0',
    '\uD800',
    '\uDC00',
    long,
    `${long}a`,
    `${long}b`,
    'x'.repeat(100_000),
  ];
  const first = await source.publish(keys.map((key) => keyed(key, 'x')));
  expect(new Set(first).size).toBe(keys.length);
  expect(await source.publish(keys.map((key) => keyed(key, 'x')))).toEqual(first);
});

it('expired keys are deleted, and others are not', async () => {
  const { source } = open();
  await source.publish([
    ...Array.from({ length: 50 }, (_, at) => keyed(`short-${at}`, 'x', 1)),
    keyed('long', 'x'),
  ]);
  expect(await remembered()).toBe(51);
  await until('all are expired', async () => {
    await server.pool.query('select streams.collect_garbage()');
    return (await remembered()) === 1;
  });
  expect(await source.publish([keyed('long', 'x')])).toEqual([expect.any(String)]);
  expect(await values()).toHaveLength(51);
});

it('a key is taken by a message at once or by a delayed one, never by both', async () => {
  const [one, other] = [open(), open()];
  for (let round = 0; round < 20; round++) {
    const entry = keyed(`key-${round}`, 'x');
    const [[at], [later]] = await Promise.all([
      one.source.publish([entry]),
      other.delays!.schedule([{ ...entry, when: { in: LONG } }]),
    ]);
    expect(at).toBe(later);
  }
  const waiting = (await one.delays!.list(stream, 100)).items.length;
  expect((await values()).length + waiting).toBe(20);
});
