import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { DataSource, EntitySchema, type EntityManager } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { openOutboxStore } from '../../lib/drivers/postgres/outbox/open-outbox-store.js';
import type { OutboxStore } from '../../lib/ports/outbox-store.js';
import type { SqlTransaction } from '../../lib/ports/sql-transaction.js';
import {
  drizzleTransaction,
  drizzleTransactions,
  PostgresInbox,
  typeOrmTransaction,
  typeOrmTransactions,
} from '../../lib/postgres.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';

interface Account {
  name: string;
  balance: number;
}
const Account = new EntitySchema<Account>({
  name: 'account',
  columns: { name: { type: 'text', primary: true }, balance: { type: 'int' } },
});
const accounts = pgTable('account', {
  name: text().primaryKey(),
  balance: integer().notNull(),
});

let postgres: TestPostgres;
let store: OutboxStore;
let dataSource: DataSource;

beforeAll(async () => {
  postgres = await testPostgres();
  store = openOutboxStore({ url: postgres.url }, new EventBus());
  await store.lag();
  await postgres.pool.query('create table account (name text primary key, balance int not null)');
  dataSource = new DataSource({ type: 'postgres', url: postgres.url, entities: [Account] });
  await dataSource.initialize();
});
afterAll(async () => {
  await dataSource?.destroy();
  await store?.close();
  await postgres?.cleanup();
});
beforeEach(async () => {
  await postgres.pool.query('truncate account, streams.outbox, streams.inbox');
});

const database = () => drizzle(postgres.pool);
const KEY = { stream: 's', group: 'g', handler: 'H.h', eventType: 'e', key: 'k' };
const MESSAGES = [
  { key: 'a', entry: { stream: 's', fields: ['n', '1', '$1', "it's ? \0"] } },
  { key: 'a', entry: { stream: 's', fields: ['n', '2'] } },
];

const accountsNow = async () =>
  (await postgres.pool.query('select name, balance from account order by name')).rows;
const waiting = async () => (await store.lag()).waiting;

/** Runs work in a transaction of each library: with an insert of an account beside. */
const LIBRARIES: Record<
  string,
  (work: (transaction: SqlTransaction) => Promise<unknown>) => Promise<unknown>
> = {
  pg: async (work) => {
    const client = await postgres.pool.connect();
    try {
      await client.query('begin');
      await client.query("insert into account values ('ada', 5)");
      await work(client);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  },
  TypeORM: (work) =>
    dataSource.transaction(async (manager) => {
      await manager.insert(Account, { name: 'ada', balance: 5 });
      await work(typeOrmTransaction(manager));
    }),
  'a QueryRunner of TypeORM': async (work) => {
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    try {
      await runner.manager.insert(Account, { name: 'ada', balance: 5 });
      await work(typeOrmTransaction(runner));
      await runner.commitTransaction();
    } catch (error) {
      await runner.rollbackTransaction();
      throw error;
    } finally {
      await runner.release();
    }
  },
  Drizzle: (work) =>
    database().transaction(async (tx) => {
      await tx.insert(accounts).values({ name: 'ada', balance: 5 });
      await work(drizzleTransaction(tx, sql));
    }),
};

describe.each(Object.keys(LIBRARIES))('a transaction of %s', (library) => {
  const transact = LIBRARIES[library]!;

  it('takes messages for the outbox, in order, and commits them with its own rows', async () => {
    await transact((transaction) => store.put(transaction, MESSAGES));
    expect(await accountsNow()).toEqual([{ name: 'ada', balance: 5 }]);
    const { rows } = await postgres.pool.query('select fields from streams.outbox order by id');
    expect(rows.map(({ fields }: { fields: string }) => JSON.parse(fields) as unknown)).toEqual(
      MESSAGES.map(({ entry }) => entry.fields),
    );
  });

  it('rolls the messages back with its own rows', async () => {
    const failed = transact(async (transaction) => {
      await store.put(transaction, MESSAGES);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect([await accountsNow(), await waiting()]).toEqual([[], 0]);
  });

  it('passes on what the server answers, as a typed error', async () => {
    const failed = transact(async (transaction) => {
      await transaction.query('select 1/0', []).catch(() => undefined);
      await store.put(transaction, MESSAGES);
    });
    await expect(failed).rejects.toMatchObject({
      code: 'SERVER_REPLY',
      message: expect.stringContaining('current transaction is aborted'),
    });
    expect(await waiting()).toBe(0);
  });
});

describe('an inbox', () => {
  it('gives handlers the EntityManager of TypeORM', async () => {
    const inbox = new PostgresInbox({
      url: postgres.url,
      transactions: typeOrmTransactions(dataSource),
    });
    const work = async (manager: EntityManager) => {
      await manager.insert(Account, { name: 'ada', balance: 1 });
      return 'done';
    };
    expectTypeOf(inbox).toEqualTypeOf<PostgresInbox<EntityManager>>();
    expect(await inbox.run(KEY, 60_000, work)).toEqual({ duplicate: false, result: 'done' });
    expect(await inbox.run(KEY, 60_000, work)).toEqual({ duplicate: true });
    const failing = inbox.run({ ...KEY, key: 'other' }, 60_000, async (manager) => {
      await manager.insert(Account, { name: 'bob', balance: 1 });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await accountsNow()).toEqual([{ name: 'ada', balance: 1 }]);
    await inbox.close();
  });

  it('gives handlers the transaction of Drizzle', async () => {
    const inbox = new PostgresInbox({
      url: postgres.url,
      transactions: drizzleTransactions(database(), sql),
    });
    const work = () =>
      inbox.run(KEY, 60_000, (tx) =>
        tx.insert(accounts).values({ name: 'ada', balance: 1 }).returning(),
      );
    expect(await work()).toEqual({ duplicate: false, result: [{ name: 'ada', balance: 1 }] });
    expect(await work()).toEqual({ duplicate: true });
    expect(await accountsNow()).toEqual([{ name: 'ada', balance: 1 }]);
    await inbox.close();
  });

  it('lets one of two runs at a time take effect', async () => {
    const inbox = new PostgresInbox({
      url: postgres.url,
      transactions: typeOrmTransactions(dataSource),
    });
    const runs = await Promise.all(
      [1, 2, 3, 4].map((balance) =>
        inbox.run(KEY, 60_000, (manager) =>
          manager.insert(Account, { name: `n${balance}`, balance }),
        ),
      ),
    );
    expect(runs.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(await accountsNow()).toHaveLength(1);
    await inbox.close();
  });
});

describe('what is no open transaction is refused', () => {
  const refused = { code: 'INVALID_MESSAGE' };

  it('a pool, and a client without BEGIN', async () => {
    await expect(store.put(postgres.pool, MESSAGES)).rejects.toMatchObject(refused);
    const client = await postgres.pool.connect();
    await expect(store.put(client, MESSAGES)).rejects.toMatchObject(refused);
    client.release();
    expect(await waiting()).toBe(0);
  });

  it('the EntityManager of the whole DataSource', () => {
    expect(() => typeOrmTransaction(dataSource.manager)).toThrow(expect.objectContaining(refused));
  });
});
