import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Lease } from '../../lib/core/lease.js';
import { ack, deadLetter } from '../../lib/core/settlement.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Trimmed, TrimOrder } from '../../lib/ports/retention.js';
import { recordFor } from '../../lib/testing/world/source-world.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

const NEVER = 60_000;

let server: TestPostgres;
let driver: Driver;
let stream: string;
let names = 0;
beforeAll(async () => {
  server = await testPostgres();
  driver = open();
});
afterAll(async () => {
  await driver.source.close();
  await server.cleanup();
});
beforeEach(() => {
  stream = `kept-${++names}`;
});

const open = (): Driver =>
  postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });

async function publish(count: number): Promise<string[]> {
  const entries = Array.from({ length: count }, (_, at) => ({ stream, fields: ['n', String(at)] }));
  return (await driver.source.publish(entries)) as string[];
}

/** A consumer of the group that has so many messages. */
async function take(group: string, count: number): Promise<Lease[]> {
  const subscription = await driver.source.subscribe({
    streams: [stream],
    group,
    consumer: 'c',
    startId: '0',
    blockTimeout: 100,
    idleTimeout: NEVER,
    reclaimInterval: NEVER,
  });
  onTestFinished(() => subscription.stop());
  const leases: Lease[] = [];
  while (leases.length < count) leases.push(...(await subscription.pull(count - leases.length)));
  return leases;
}

async function settle(leases: readonly Lease[]): Promise<void> {
  const outcomes = await driver.source.settle(leases.map((lease) => ({ lease, settlement: ack })));
  expect(new Set(outcomes)).toEqual(new Set(['settled']));
}

const trim = (policy: TrimOrder['policy'] = 'deleteWhenSettled', by = driver) =>
  by.retention!.trim(stream, { policy, groups: [] });

/** All portions of one visit. */
async function trimAll(policy?: TrimOrder['policy']): Promise<Trimmed[]> {
  const portions = [await trim(policy)];
  while (portions.at(-1)!.more) portions.push(await trim(policy));
  return portions;
}

const deletedBy = (portions: readonly Trimmed[]): number =>
  portions.reduce((sum, { count }) => sum + count, 0);

async function left(): Promise<string[]> {
  const { rows } = await server.pool.query<{ id: string }>(
    `select message.id from streams.message join streams.stream on stream.id = message.stream
      where name = $1 order by message.id`,
    [stream],
  );
  return rows.map(({ id }) => id);
}

const untilWaiting = (what: string) =>
  until(`${what} waits`, async () => {
    const { rows } = await server.pool.query(
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like $1`,
      [`%${what}%`],
    );
    return rows.length > 0;
  });

describe('deleteWhenSettled', () => {
  it('goes by portions, each of them short', async () => {
    await publish(5500);
    await settle(await take('g', 5500));
    const began = performance.now();
    const portions = await trimAll();
    const took = performance.now() - began;
    console.log(`A portion of 1,000 messages takes ${(took / portions.length).toFixed(1)} ms`);
    expect(Math.max(...portions.map(({ count }) => count))).toBeLessThanOrEqual(1000);
    expect(deletedBy(portions)).toBe(5500);
    expect(await left()).toEqual([]);
  });

  it('leaves known what was added, and where a group begins that wants what comes next', async () => {
    const ids = await publish(5);
    await take('g', 5).then(settle);
    expect(deletedBy(await trimAll())).toBe(5);
    const [report] = await driver.groups!.describe([stream]);
    expect(report).toMatchObject({ length: 0, entriesAdded: 5, lastId: ids[4] });
    await driver.groups!.create(stream, 'next', { startId: '$', createStream: true });
    expect((await driver.groups!.describe([stream]))[0]!.groups).toMatchObject([
      { name: 'g' },
      { name: 'next', lastDeliveredId: ids[4], lag: 0 },
    ]);
  });

  it('deletes what was settled behind messages that are not', async () => {
    const ids = await publish(300);
    const leases = await take('g', 300);
    await settle(leases.filter((_, at) => at % 100 !== 0));
    expect(deletedBy(await trimAll())).toBe(297);
    expect(await left()).toEqual([ids[0], ids[100], ids[200]]);
  });

  it('gets to what was settled behind more unsettled messages than a portion has', async () => {
    await publish(3500);
    const leases = await take('g', 3500);
    await settle(leases.slice(2500));
    await until('all of them are deleted', async () => {
      await trimAll();
      return (await left()).length === 2500;
    });
    await settle(leases.slice(0, 2500));
    expect(deletedBy(await trimAll())).toBe(2500);
  });

  it('keeps what a transaction has published whose commit comes later', async () => {
    await publish(1);
    await take('g', 1).then(settle);
    const client = await server.pool.connect();
    await client.query('begin');
    const { rows } = await client.query<{ ids: string[] }>(
      `select streams.publish(array[id], array['["n","late"]']) as ids from streams.stream where name = $1`,
      [stream],
    );
    await publish(10);
    await take('g', 10).then(settle);
    expect(deletedBy(await trimAll())).toBe(11);
    await client.query('commit');
    client.release();
    expect(deletedBy(await trimAll())).toBe(0);
    expect(await left()).toEqual(rows[0]!.ids);
    await take('g', 1).then(settle);
    expect(deletedBy(await trimAll())).toBe(1);
  });

  it('keeps all for a group that is created while a portion is deleted', async () => {
    await publish(10);
    await take('g', 10).then(settle);
    const client = await server.pool.connect();
    await client.query('begin');
    await client.query(
      `select 1 from streams.message join streams.stream on stream.id = message.stream
        where name = $1 for update of message`,
      [stream],
    );
    const trimming = trim();
    await untilWaiting('.trim(');
    const late = take('late', 0);
    // Without the lock of the portion it would be there, with messages that the portion deletes.
    await untilWaiting('create_group');
    await client.query('rollback');
    client.release();
    expect(await trimming).toMatchObject({ count: 10 });
    await late;
    // Created afterwards, so it was promised none of them.
    const { rows: promised } = await server.pool.query(
      `select 1 from streams.delivery join streams.grp on grp.id = delivery.grp
        join streams.stream on stream.id = grp.stream where stream.name = $1 and grp.name = 'late'`,
      [stream],
    );
    expect(promised).toEqual([]);
    const ids = await publish(1);
    await take('g', 1).then(settle);
    expect(deletedBy(await trimAll())).toBe(0);
    expect(await left()).toEqual(ids);
  });

  it('does not fail transactions with one snapshot that publish', async () => {
    await publish(10);
    await take('g', 10).then(settle);
    const client = await server.pool.connect();
    await client.query('begin isolation level repeatable read');
    await client.query('select 1 from streams.stream');
    expect(deletedBy(await trimAll())).toBe(10);
    await client.query(
      `select streams.publish(array[id], array['["n","1"]']) from streams.stream where name = $1`,
      [stream],
    );
    await client.query('commit');
    client.release();
    expect(await left()).toHaveLength(1);
  });
});

describe('a message on hold', () => {
  it('is whole after its entry was trimmed, as it has a copy', async () => {
    await publish(3);
    const [held, ...others] = await take('g', 3);
    const settlement = { ...deadLetter('unrecoverable'), action: 'hold' } as const;
    const record = recordFor(held!, 'g', 'c');
    const outcomes = await driver.source.settle([{ lease: held!, settlement, record }]);
    expect(outcomes).toEqual(['settled']);
    await settle(others);
    expect(deletedBy(await trimAll())).toBe(3);
    expect((await driver.held!.list(stream, 'g', 10)).items).toMatchObject([
      { id: held!.id, fields: ['n', '0'] },
    ]);
    expect(await driver.held!.release(stream, { group: 'g' })).toBe(1);
    const [again] = await take('g', 1);
    expect(again).toMatchObject({ id: held!.id, fields: ['n', '0'] });
    await settle([again!]);
    expect((await driver.held!.list(stream, 'g', 10)).items).toEqual([]);
  });
});

describe('limits', () => {
  it('maxLength is exact, by two trimmers while messages come', async () => {
    const other = open();
    onTestFinished(() => other.source.close());
    await publish(4000);
    await settle(await take('g', 4000));
    const by = async (trimmer: Driver) => {
      for (let more = true; more;) ({ more } = await trim({ maxLength: 1500 }, trimmer));
    };
    await Promise.all([by(driver), by(other), publish(100)]);
    await by(driver);
    expect(await left()).toHaveLength(1500);
  });

  it('with allowLoss leave no rows of groups that had not read the messages', async () => {
    await publish(2500);
    const held = await take('g', 3);
    await take('unread', 0);
    const portions = await trimAll({ maxLength: 10, allowLoss: true });
    expect(deletedBy(portions)).toBe(2490);
    expect(portions.reduce((sum, { lost }) => sum + lost, 0)).toBe(2490);
    const { rows } = await server.pool.query<{ name: string; count: string }>(
      `select grp.name, count(*) from streams.delivery join streams.grp on grp.id = delivery.grp
        join streams.stream on stream.id = grp.stream where stream.name = $1
        group by grp.name order by 1`,
      [stream],
    );
    // Those that a consumer has stay until it finds out.
    expect(rows).toEqual([
      { name: 'g', count: '13' },
      { name: 'unread', count: '10' },
    ]);
    await settle(held);
  });
});

describe('footprint', () => {
  it('counts all, and is about as large as what was published', async () => {
    await driver.source.publish(
      Array.from({ length: 1000 }, (_, at) => ({ stream, fields: ['n', `${at} `.repeat(100)] })),
    );
    const footprint = await driver.retention!.footprint(stream, '9223372036854775807');
    expect(footprint).toMatchObject({ before: 1000 });
    expect(footprint!.bytes).toBeGreaterThan(100_000);
    expect(footprint!.bytes).toBeLessThan(1_000_000);
  });
});
