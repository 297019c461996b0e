import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { DeadLetterQueue } from '../../lib/ports/dead-letters.js';
import type { Driver } from '../../lib/ports/driver.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';

/** Letters of the big queue. */
const MANY = 30_000;

let server: TestPostgres;
let driver: Driver;
let letters: DeadLetterQueue;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());
beforeEach(() => {
  driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  letters = driver.deadLetters!;
});
afterEach(() => driver.source.close());

let at = 0;
const record = (stream: string, more: object = {}) => ({
  stream,
  id: String(++at),
  group: 'billing',
  consumer: 'worker-1',
  attempts: 5,
  reason: 'max-deliveries',
  publishedAt: '2025-01-01T00:00:00.000Z',
  deadLetteredAt: '2025-01-02T00:00:00.000Z',
  ...more,
});

const streamIdOf = async (name: string): Promise<number> => {
  const text = 'select id from streams.stream where name = $1';
  const { rows } = await server.pool.query<{ id: number }>(text, [name]);
  return rows[0]!.id;
};

interface Delivery {
  readonly message: string;
  readonly redrive: string;
  readonly origin: string | null;
  readonly published_at: string;
  readonly fields: string;
}

const redriven = async (stream: string): Promise<Delivery[]> => {
  const { rows } = await server.pool.query<Delivery>(
    `select d.message, d.redrive, d.origin, d.published_at, d.fields
    from streams.delivery d join streams.grp g on g.id = d.grp join streams.stream s on s.id = g.stream
    where s.name = $1 order by d.redrive`,
    [stream],
  );
  return rows;
};

describe('a letter that is redriven', () => {
  test('to a group that does not exist waits for it, and no list has it', async () => {
    const ids: string[] = [];
    for (const n of ['1', '2', '3']) ids.push(await letters.put(record('orders'), ['n', n]));
    await letters.put(record('orders', { group: 'shipping' }), ['n', '4']);
    expect(await letters.redrive('orders', { group: 'billing' })).toBe(3);
    expect((await letters.list('orders', 10)).items.map(({ group }) => group)).toEqual([
      'shipping',
    ]);
    expect(await letters.get('orders', ids[0]!)).toBeUndefined();
    expect(await letters.redrive('orders', { ids })).toBe(0);
    expect(await letters.purge('orders', { ids })).toBe(0);
    expect(await redriven('orders')).toEqual([]);
    const create = "select word from streams.create_group($1, 'billing', '$', false)";
    const { rows } = await server.pool.query(create, [await streamIdOf('orders')]);
    expect(rows).toEqual([{ word: 'created' }]);
    const back = await redriven('orders');
    expect(back.map(({ fields }) => JSON.parse(fields))).toEqual([
      ['n', '1'],
      ['n', '2'],
      ['n', '3'],
    ]);
    expect(back.map(({ message }) => message)).toEqual(['1', '2', '3']);
    expect(Number(back[0]!.published_at)).toBe(Date.parse('2025-01-01T00:00:00.000Z'));
  });

  test('keeps an id of another technology', async () => {
    await letters.put(record('foreign', { id: '1700000000000-0' }), ['n', '1']);
    await letters.put(record('foreign', { id: '0-17' }), ['n', '2']);
    const create = "select word from streams.create_group($1, 'billing', '0', false)";
    await server.pool.query(create, [await streamIdOf('foreign')]);
    expect(await letters.redrive('foreign', { all: true })).toBe(2);
    const back = await redriven('foreign');
    expect(back.map(({ message, origin }) => [message, origin])).toEqual([
      ['0', '1700000000000-0'],
      ['0', '0-17'],
    ]);
  });
});

test('a record keeps any text, as its group does', async () => {
  const odd = record('odd\u0000', {
    group: 'g\ud800',
    error: { name: 'Error', message: 'a\u0000b\udfff', stack: '' },
  });
  const id = await letters.put(odd, ['\ud83d', '\u0000']);
  expect(await letters.get('odd\u0000', id)).toEqual({
    ...odd,
    deadLetterId: id,
    fields: ['\ud83d', '\u0000'],
  });
  expect(await letters.purge('odd\u0000', { group: 'g\ud801' })).toBe(0);
  expect(await letters.purge('odd\u0000', { group: 'g\ud800' })).toBe(1);
});

test('a page of large letters ends early, and the next one goes on', async () => {
  const large = 'x'.repeat(5 * 1024 * 1024);
  for (let n = 0; n < 6; n++) await letters.put(record('large'), ['n', `${n}${large}`]);
  const seen: string[] = [];
  let pages = 0;
  let after: string | undefined;
  do {
    const page = await letters.list('large', 100, after);
    expect(page.items.length).toBeLessThan(6);
    seen.push(...page.items.map(({ fields }) => fields[1]![0]!));
    after = page.next;
    pages++;
  } while (after !== undefined);
  expect(seen).toEqual(['0', '1', '2', '3', '4', '5']);
  expect(pages).toBe(2);
});

test('a queue of 30,000 letters is never read as a whole', async () => {
  const some = await letters.put(record('big', { group: 'rare' }), ['n', 'some']);
  const of = await streamIdOf('big');
  await server.pool.query(
    `insert into streams.dead_letter (stream, grp, origin, published_at, record, fields)
    select $1, 'billing', n::text, 0, $2, '["n","many"]' from generate_series(1, ${MANY}) n`,
    [of, JSON.stringify(record('big'))],
  );
  const last = await letters.put(record('big', { group: 'rare' }), ['n', 'last']);
  const scans = async () => {
    const { rows } = await server.pool.query<{ scans: string; reads: string }>(
      `select seq_scan as scans, idx_tup_fetch as reads from pg_stat_user_tables
      where relname = 'dead_letter'`,
    );
    return rows.map((row) => ({ scans: Number(row.scans), reads: Number(row.reads) }))[0]!;
  };
  // Statistics of a connection are complete when it has ended.
  await driver.source.close();
  const before = await scans();
  driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  letters = driver.deadLetters!;
  expect((await letters.get('big', last))!.fields).toEqual(['n', 'last']);
  const { items, next } = await letters.list('big', 50, some);
  expect(items).toHaveLength(50);
  expect((await letters.list('big', 50, next)).items).toHaveLength(50);
  expect(await letters.redrive('big', { ids: [some, last] })).toBe(2);
  await letters.put(record('big', { group: 'rare' }), ['n', 'more']);
  expect(await letters.purge('big', { group: 'rare' })).toBe(1);
  await driver.source.close();
  const after = await scans();
  expect(after.scans).toBe(before.scans);
  expect(after.reads - before.reads).toBeLessThan(500);
});

test('a queue of 30,000 letters is purged in portions', async () => {
  expect(await letters.purge('big', { all: true })).toBe(MANY);
  expect((await letters.list('big', 1)).items).toEqual([]);
});
