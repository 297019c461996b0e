import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { ack } from '../../lib/core/settlement.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';

let server: TestPostgres;
let driver: Driver;
let subscription: Subscription;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());
beforeEach(async () => {
  driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  subscription = await driver.source.subscribe({
    ...{ streams: ['orders'], group: 'g', consumer: 'c', startId: '0' },
    ...{ blockTimeout: 1000, idleTimeout: 60_000, reclaimInterval: 60_000 },
  });
});
afterEach(async () => {
  await driver.source.close();
  await server.pool.query('drop schema streams cascade');
});

const publish = async (): Promise<string> => {
  const [id] = await driver.source.publish([{ stream: 'orders', fields: ['n', '1'] }]);
  expect(id).toBeTypeOf('string');
  return id as string;
};

async function settle(count: number): Promise<void> {
  for (let left = count; left > 0;) {
    const leases = await subscription.pull(left);
    await driver.source.settle(leases.map((lease) => ({ lease, settlement: ack })));
    left -= leases.length;
  }
}

const upTo = () => driver.source.settledUpTo!('orders', 'g');

/** Publishes in a transaction that stays open. Returns the id of the message. */
async function publishLate(): Promise<{ client: PoolClient; id: string }> {
  const client = await server.pool.connect();
  await client.query('begin');
  const { rows } = await client.query<{ ids: string[] }>(
    `select streams.publish(array[(select id from streams.stream where name = 'orders')],
      array['["n","late"]']) as ids`,
  );
  return { client, id: rows[0]!.ids[0]! };
}

const commit = async ({ client }: { client: PoolClient }): Promise<void> => {
  await client.query('commit');
  client.release();
};

test('a group has not settled what a transaction commits later', async () => {
  const first = await publish();
  await settle(1);
  expect(await upTo()).toBe(first);
  const late = await publishLate();
  const behind = await publish();
  await settle(1);
  expect(await upTo()).toBe(first);
  await commit(late);
  expect(await upTo()).toBe(String(BigInt(late.id) - 1n));
  await settle(1);
  expect(await upTo()).toBe(behind);
});

test('it rises also while there is always a transaction that has published', async () => {
  await publish();
  await settle(1);
  const one = await publishLate();
  await upTo();
  const two = await publishLate();
  await commit(one);
  await settle(1);
  await upTo();
  const three = await publishLate();
  expect(await upTo()).toBe(one.id);
  await commit(two);
  await settle(1);
  // A look finds the publisher of before gone.
  await upTo();
  expect(BigInt((await upTo())!)).toBeGreaterThanOrEqual(BigInt(two.id));
  expect(BigInt((await upTo())!)).toBeLessThan(BigInt(three.id));
  await commit(three);
  await settle(1);
  expect(await upTo()).toBe(three.id);
});

test('a transaction that publishes to another stream does not matter', async () => {
  const client = await server.pool.connect();
  await driver.source.publish([{ stream: 'others', fields: ['n', '1'] }]);
  await client.query('begin');
  await client.query(
    `select streams.publish(array[(select id from streams.stream where name = 'others')],
      array['["n","late"]'])`,
  );
  const id = await publish();
  await settle(1);
  expect(await upTo()).toBe(id);
  await commit({ client });
});
