import { setTimeout as sleep } from 'node:timers/promises';
import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import { Pool, type PoolClient } from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { drizzleTransaction, postgres, typeOrmTransaction } from '../../lib/postgres.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

let server: TestPostgres;
let driver: Driver;

beforeAll(async () => {
  server = await testPostgres();
  driver = postgres({ url: server.url, pollInterval: 50 }).open({
    events: new EventBus(),
    keyPrefix: '',
  });
});
afterAll(async () => {
  await driver?.source.close();
  await server?.cleanup();
});

const entry = (stream: string, text: string): OutgoingEntry => ({ stream, fields: ['n', text] });

const lengthOf = async (stream: string): Promise<number> =>
  (await driver.groups!.describe([stream]))[0]?.length ?? 0;

/** A transaction on a client of `pg`. */
async function transact<T>(
  work: (client: PoolClient) => Promise<T>,
  begin = 'begin',
  end = 'commit',
): Promise<T> {
  const client = await server.pool.connect();
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query(end);
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

const within = (client: PoolClient, ...entries: readonly OutgoingEntry[]): Promise<string[]> =>
  driver.source.publishWithin!(client, entries);

async function subscribed(stream: string): Promise<Subscription> {
  return driver.source.subscribe({
    group: 'g',
    consumer: 'c',
    streams: [stream],
    startId: '0',
    blockTimeout: 5000,
    idleTimeout: 60_000,
    reclaimInterval: 60_000,
  });
}

describe('publishing within a transaction of the application', () => {
  it('exists after the commit, in order, and never after a rollback', async () => {
    const ids = await transact(async (client) => {
      const given = await within(client, entry('a', '1'), entry('b', '2'), entry('a', '3'));
      expect(await lengthOf('a')).toBe(0);
      return given;
    });
    expect(ids).toHaveLength(3);
    expect(BigInt(ids[0]!) < BigInt(ids[2]!)).toBe(true);
    expect([await lengthOf('a'), await lengthOf('b')]).toEqual([2, 1]);
    await transact((client) => within(client, entry('a', '4')), 'begin', 'rollback');
    expect(await lengthOf('a')).toBe(2);
  });

  it('belongs to the transaction also where it is not awaited', async () => {
    const client = await server.pool.connect();
    onTestFinished(() => client.release());
    await transact((other) => within(other, entry('hurried', '1')));
    await client.query('begin');
    const lost = within(client, entry('hurried', '2'));
    await client.query('rollback');
    await lost;
    await client.query('begin');
    const kept = within(client, entry('hurried', '3'));
    await client.query('commit');
    await kept;
    expect(await lengthOf('hurried')).toBe(2);
  });

  it('is refused where the transaction has ended before its stream was named', async () => {
    const [client, locking] = [await server.pool.connect(), await server.pool.connect()];
    onTestFinished(() => [client, locking].forEach((one) => one.release()));
    for (const end of ['rollback', 'commit']) {
      await locking.query('begin; lock table streams.stream in exclusive mode');
      await client.query('begin');
      const late = within(client, entry(`named late: ${end}`, '1')).catch(
        (error: unknown) => error,
      );
      await client.query(end);
      await locking.query('commit');
      expect(await late).toMatchObject({ code: 'INVALID_MESSAGE' });
      expect(await lengthOf(`named late: ${end}`)).toBe(0);
    }
  });

  it('reaches a group by polling, with the fields as they were', async () => {
    const subscription = await subscribed('polled');
    const odd = '␚ \0 \ud800 $1 ?';
    const [id] = await transact((client) => within(client, entry('polled', odd)));
    const [lease] = await subscription.pull(1);
    expect([lease!.id, lease!.fields]).toEqual([id, ['n', odd]]);
    await subscription.close();
  });

  it('sends no NOTIFY within the transaction', async () => {
    const listener = await server.pool.connect();
    const heard: string[] = [];
    listener.on('notification', ({ payload }) => heard.push(payload!));
    await listener.query('listen streams_hints');
    await transact((client) => within(client, entry('quiet', '1')));
    await listener.query("notify streams_hints, 'marker'");
    await until('the marker arrives', () => heard.includes('marker'));
    expect(heard.filter((payload) => payload.includes('messages'))).toEqual([]);
    await listener.query('unlisten *');
    listener.release();
  });

  it('publishes once with an idempotency key, and delays', async () => {
    const keyed: OutgoingEntry = {
      ...entry('once', '1'),
      idempotency: { key: 'k', window: 60_000 },
    };
    const first = await transact((client) =>
      within(
        client,
        keyed,
        { ...entry('once', 'later'), when: { in: 60_000 } },
        entry('once', '2'),
      ),
    );
    expect(first[1]).toMatch(/^delayed-/);
    const second = await transact((client) => within(client, keyed));
    expect(second).toEqual([first[0]]);
    expect(await lengthOf('once')).toBe(2);
    expect((await driver.delays!.list('once', 10)).items).toHaveLength(1);
    // A key that was rolled back is free.
    const other = { ...keyed, idempotency: { key: 'free', window: 60_000 } };
    await transact((client) => within(client, other), 'begin', 'rollback');
    await transact((client) => within(client, other));
    expect(await lengthOf('once')).toBe(3);
  });

  it('does not wait for a connection of a pool that transactions have taken up', async () => {
    const pool = new Pool({ connectionString: server.url, max: 2 });
    const sharing = postgres({ pool, hints: false }).open({
      events: new EventBus(),
      keyPrefix: 'sharing:',
    });
    const clients = [await pool.connect(), await pool.connect()];
    try {
      // Nothing is prepared yet, and no stream is known.
      const published = clients.map(async (client, index) => {
        await client.query('begin');
        const given = [entry(`new ${index}`, '1'), { ...entry('both', '2'), when: { in: 60_000 } }];
        return sharing.source.publishWithin!(client, given);
      });
      const ids = await Promise.race([Promise.all(published), sleep(5000)]);
      expect(ids).toHaveLength(2);
      for (const client of clients) await client.query('commit');
    } finally {
      for (const client of clients) client.release(true);
    }
    expect(await sharing.groups!.describe(['new 0', 'new 1'])).toMatchObject([
      { length: 1 },
      { length: 1 },
    ]);
    await sharing.source.close();
    await pool.end();
  });

  it.each(['repeatable read', 'serializable'])('works at isolation level %s', async (level) => {
    await transact((client) => within(client, entry('levels', '1')));
    const before = await lengthOf('levels');
    await transact(
      (client) => within(client, entry('levels', '2')),
      `begin isolation level ${level}`,
    );
    expect(await lengthOf('levels')).toBe(before + 1);
  });

  it('takes transactions of TypeORM and Drizzle', async () => {
    const dataSource = await new DataSource({ type: 'postgres', url: server.url }).initialize();
    await dataSource.transaction((manager) =>
      driver.source.publishWithin!(typeOrmTransaction(manager), [
        entry('orm', '1'),
        { ...entry('orm', '2'), idempotency: { key: 'k', window: 60_000 } },
      ]),
    );
    await drizzle(server.pool).transaction((tx) =>
      driver.source.publishWithin!(drizzleTransaction(tx, sql), [
        entry('orm', '3'),
        { ...entry('orm', '4'), when: { in: 60_000 } },
      ]),
    );
    expect(await lengthOf('orm')).toBe(3);
    await dataSource.destroy();
  });

  it('names the adapter for objects of TypeORM that come as they are', async () => {
    const dataSource = await new DataSource({ type: 'postgres', url: server.url }).initialize();
    const advice = /Use typeOrmTransaction\(manager\)/;
    for (const nameOf of ['manager', 'runner'] as const) {
      const publishing = dataSource.transaction((manager) => {
        const given = { manager, runner: manager.queryRunner! }[nameOf];
        return driver.source.publishWithin!(given as never, [entry('bare', '1')]);
      });
      const refused = { code: 'INVALID_MESSAGE', message: expect.stringMatching(advice) as string };
      await expect(publishing).rejects.toMatchObject(refused);
    }
    expect(await lengthOf('bare')).toBe(0);
    await dataSource.destroy();
  });

  it('refuses what is no entry, and what is no open transaction', async () => {
    const invalid = { code: 'INVALID_MESSAGE' };
    await transact(async (client) => {
      const bad = { stream: 'a', fields: ['name'] };
      await expect(within(client, entry('bad', '1'), bad)).rejects.toMatchObject(invalid);
    });
    expect(await lengthOf('bad')).toBe(0);
    const pooled = driver.source.publishWithin!(server.pool, [entry('bad', '1')]);
    await expect(pooled).rejects.toMatchObject(invalid);
  });
});
