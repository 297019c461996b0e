import type { PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ack, retry } from '../../lib/core/settlement.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { PostgresReader, pulls, take, valueOf } from '../support/postgres-reader.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

let stream: string;
let names = 0;
beforeEach(() => void (stream = `stream-${++names}`));

const GROUP = 'group';
const FROM_START = { startId: '0', createStream: true };

function open(options: Partial<PostgresOptions> = {}): PostgresReader {
  const reader = new PostgresReader({ url: server.url, ...options });
  onTestFinished(() => reader.close());
  return reader;
}

/** A transaction of an application. */
async function begin(isolation = 'read committed'): Promise<PoolClient> {
  const client = await server.pool.connect();
  onTestFinished(() => client.release(true));
  await client.query(`begin isolation level ${isolation}`);
  return client;
}

async function publishWithin(client: PoolClient, value: string): Promise<void> {
  await client.query(
    `select streams.publish(array[id], array[$2]) from streams.stream where name = $1`,
    [stream, JSON.stringify(['value', value])],
  );
}

/** How many transactions wait for the lock of a stream. */
const waitingForLocks = async (): Promise<number> => {
  const { rows } = await server.pool.query(
    `select from pg_locks join pg_database on pg_database.oid = pg_locks.database
      where locktype = 'advisory' and not granted and datname = current_database()`,
  );
  return rows.length;
};
const waitsForLock = async (): Promise<boolean> => (await waitingForLocks()) > 0;

describe('a group that is created while a transaction that has published is open', () => {
  it('has its message, and holds up no other publisher meanwhile', async () => {
    const reader = open();
    const warnings = reader.record('warning');
    await reader.publish(stream, 'before');
    const client = await begin();
    await publishWithin(client, 'within');
    const creating = reader.read(stream, GROUP);
    await until('the group waits', waitsForLock);
    const other = open();
    await other.publish(stream, 'warm');
    let slowest = 0;
    for (let at = 0; warnings.length === 0; at++) {
      const began = performance.now();
      await other.publish(stream, `beside-${at}`);
      slowest = Math.max(slowest, performance.now() - began);
    }
    expect(warnings).toMatchObject([{ code: 'GROUP_WAITS' }]);
    // One wait for the lock lasts 100 ms.
    expect(slowest).toBeLessThan(1500);
    await client.query('commit');
    const subscription = await creating;
    const first = await take(subscription, 3);
    expect(first.map(valueOf)).toEqual(['before', 'within', 'warm']);
  });

  for (const isolation of ['repeatable read', 'serializable']) {
    it(`is not missed by a transaction that is ${isolation} and has an older snapshot`, async () => {
      const reader = open();
      await reader.publish(stream, 'before');
      const client = await begin(isolation);
      await client.query('select count(*) from streams.stream');
      const subscription = await reader.read(stream, GROUP, { startId: '$' });
      await expect(publishWithin(client, 'late')).rejects.toMatchObject({ code: '40001' });
      await client.query('rollback');
      const again = await begin(isolation);
      await publishWithin(again, 'again');
      await again.query('commit');
      expect((await take(subscription, 1)).map(valueOf)).toEqual(['again']);
    });

    it(`waits for a transaction that is ${isolation} and has published`, async () => {
      const reader = open();
      await reader.publish(stream, 'before');
      const client = await begin(isolation);
      await publishWithin(client, 'within');
      const creating = reader.read(stream, GROUP);
      await until('the group waits', waitsForLock);
      await client.query('commit');
      const subscription = await creating;
      expect((await take(subscription, 2)).map(valueOf)).toEqual(['before', 'within']);
    });

    it(`does not wait for a publisher that is ${isolation} and waits for the group`, async () => {
      const reader = open();
      await reader.publish(stream, 'before');
      const holder = await begin();
      await publishWithin(holder, 'within');
      const change = await begin();
      const changing = change.query(
        'select streams.lock_stream(id) as locked from streams.stream where name = $1',
        [stream],
      );
      await until('the group waits', async () => (await waitingForLocks()) === 1);
      const publisher = await begin(isolation);
      const publishing = publishWithin(publisher, 'late').catch((error: unknown) => error);
      await until('the publisher waits, too', async () => (await waitingForLocks()) === 2);
      await holder.query('commit');
      expect((await changing).rows).toEqual([{ locked: true }]);
      await change.query('commit');
      expect(await publishing).toMatchObject({
        code: '40001',
        message: 'could not serialize access due to concurrent update',
      });
    });
  }
});

describe('a change of a group over so many messages that it takes long', () => {
  const gate = 4711;

  /** Changes of the group do not end while a transaction has the lock. */
  async function makeGate(): Promise<void> {
    await server.pool.query(
      `create or replace function streams.wait_at_gate() returns trigger language plpgsql as $$ begin
        while not pg_try_advisory_xact_lock(${gate}) loop perform pg_sleep(0.02); end loop;
        return new;
      end $$;
      create or replace trigger waits before insert or update on streams.grp
        for each row when (new.name = 'large') execute function streams.wait_at_gate()`,
    );
  }

  const changes: [string, (reader: PostgresReader) => Promise<unknown>][] = [
    ['creating', ({ driver }) => driver.groups!.create(stream, 'large', FROM_START)],
    ['moving', ({ driver }) => driver.groups!.setPosition(stream, 'large', '0')],
    ['deleting', ({ driver }) => driver.groups!.delete(stream, 'large')],
  ];
  it.each(changes)('%s: has more time than statementTimeout, and warns', async (doing, change) => {
    const reader = open({ statementTimeout: 1000 });
    const warnings = reader.record('warning');
    await reader.publish(stream, 'a');
    await makeGate();
    if (doing !== 'creating') await reader.driver.groups!.create(stream, 'large', FROM_START);
    const client = await begin();
    await client.query(`select pg_advisory_xact_lock(${gate})`);
    const changing = change(reader).catch((error: unknown) => error);
    await Promise.race([changing, until('a warning', () => warnings.length > 0)]);
    await client.query('commit');
    expect(await changing).toBe(doing === 'moving' ? undefined : true);
    expect(warnings).toMatchObject([
      { code: 'GROUP_TAKES_LONG', message: expect.stringContaining(`${doing} group large`) },
    ]);
  });
});

describe('what vanishes under a running consumer', () => {
  it('the group: it is created again, and reads on behind what it had read', async () => {
    const reader = open();
    const recreated = reader.record('group-recreated');
    const subscription = await reader.read(stream, GROUP);
    const [, second] = await reader.publish(stream, 'a', 'b');
    const [first, other] = await take(subscription, 2);
    await server.pool.query(
      `delete from streams.grp using streams.stream
        where grp.stream = stream.id and stream.name = $1`,
      [stream],
    );
    await until('the group is there again', async () => {
      expect(await subscription.pull(10)).toEqual([]);
      return recreated.length > 0;
    });
    expect(recreated).toEqual([{ stream, group: GROUP, from: second }]);
    const { source } = reader.driver;
    expect(
      await source.settle([
        { lease: first!, settlement: ack },
        { lease: other!, settlement: retry(0) },
      ]),
    ).toEqual(['settled', 'gone']);
    await reader.publish(stream, 'c');
    expect((await take(subscription, 1)).map(valueOf)).toEqual(['c']);
  });

  it('a group that cannot be created again yet holds up no other stream', async () => {
    const reader = open();
    const other = `${stream}-other`;
    const subscription = await reader.read(stream, GROUP, { streams: [stream, other] });
    await reader.publish(stream, 'a');
    await take(subscription, 1);
    const client = await begin();
    await publishWithin(client, 'within');
    await server.pool.query(
      `delete from streams.grp using streams.stream
        where grp.stream = stream.id and stream.name = $1`,
      [stream],
    );
    await until('the group waits', async () => {
      expect(await subscription.pull(10)).toEqual([]);
      return waitsForLock();
    });
    await reader.publish(other, 'b');
    expect((await take(subscription, 1, 3000)).map(valueOf)).toEqual(['b']);
    await client.query('commit');
    expect((await take(subscription, 1)).map(valueOf)).toEqual(['within']);
  });

  it('the stream: what is published under its name is read', async () => {
    const reader = open();
    const lost = reader.record('data-loss-suspected');
    const subscription = await reader.read(stream, GROUP, { startId: '$' });
    await reader.publish(stream, 'a');
    const [held] = await take(subscription, 1);
    await server.pool.query('delete from streams.stream where name = $1', [stream]);
    await reader.publish(stream, 'b');
    expect((await take(subscription, 1)).map(valueOf)).toEqual(['b']);
    expect(lost).toEqual([{ stream, group: GROUP, after: '0', upTo: held!.id }]);
    expect(await subscription.begin(held!)).toBe('gone');
  });

  it('the whole schema: it is made again, and old leases settle nothing of what is new', async () => {
    const options = { schema: 'vanishing' };
    const reader = open(options);
    const publisher = open(options);
    const subscription = await reader.read(stream, GROUP);
    await publisher.publish(stream, 'a');
    const [held] = await take(subscription, 1);
    await server.pool.query('drop schema vanishing cascade');
    await until('a message is published again', async () =>
      publisher.publish(stream, 'b').then(
        () => true,
        () => false,
      ),
    );
    const [lease] = await take(subscription, 1, 20_000);
    expect(valueOf(lease!)).toBe('b');
    expect(BigInt(lease!.id)).toBeGreaterThan(BigInt(held!.id));
    expect(await reader.driver.source.settle([{ lease: held!, settlement: retry(0) }])).toEqual([
      'gone',
    ]);
    expect(await subscription.extend([held!, lease!])).toEqual(['gone', 'held']);
    await reader.ack(lease!);
    expect(await pulls(subscription, 2)).toEqual([]);
  });
});
