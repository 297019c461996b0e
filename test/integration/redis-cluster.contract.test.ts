import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { EventBus } from '../../lib/core/events.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { RedisSource } from '../../lib/drivers/redis/redis.source.js';
import { describeDeadLettersContract } from '../contracts/dead-letters.contract.js';
import { describeGroupAdminContract } from '../contracts/group-admin.contract.js';
import { describeRepliesContract } from '../contracts/replies.contract.js';
import { describeSourceContract } from '../contracts/source.contract.js';
import type { SourceHarness } from '../contracts/source-harness.js';
import { describeStateStoreContract } from '../contracts/state-store.contract.js';
import { startCluster, type TestCluster } from '../support/redis-cluster.js';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 30_000);
afterAll(() => cluster.stop());

async function harness(): Promise<SourceHarness> {
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      redis({ cluster: cluster.addresses }).open({ events, keyPrefix }),
    elapse: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    now: () => Date.now(),
    unique: (name) => `${name}-${randomBytes(4).toString('hex')}`,
    trim: async (stream, id) => {
      await (await cluster.at(stream)).xdel(stream, id);
    },
    close: async () => undefined,
  };
}

/** With connections of its own, closed after all tests. */
async function withDriver() {
  const shared = await harness();
  const driver = await shared.open();
  return { ...shared, driver, close: () => driver.source.close() };
}

describeSourceContract('redis cluster', harness);

describeGroupAdminContract('redis cluster', harness);

describeRepliesContract('redis cluster', harness);

describeDeadLettersContract('redis cluster', async () => {
  const shared = await withDriver();
  return { ...shared, queue: shared.driver.deadLetters! };
});

describeStateStoreContract('redis cluster', async () => {
  const shared = await withDriver();
  return { ...shared, store: shared.driver.state! };
});

test('redis cluster: names that cannot be placed are refused at start-up', async () => {
  const { driver, close } = await withDriver();
  const times = { blockTimeout: 100, idleTimeout: 1000, reclaimInterval: 500 };
  const subscribing = driver.source.subscribe({
    ...times,
    streams: ['a}b', 'x', '{x}', '{y}:dead-letter'],
    group: 'g',
    consumer: 'c',
    startId: '0',
  });
  const error = (await subscribing.catch((thrown: unknown) => thrown)) as InvalidOptionsError;
  expect(error).toBeInstanceOf(InvalidOptionsError);
  expect(error.problems).toHaveLength(3);
  await close();
});

test('redis cluster: a subscription that is closed is forgotten', async () => {
  const { driver, close, unique } = await withDriver();
  const subscription = await driver.source.subscribe({
    ...{ blockTimeout: 100, idleTimeout: 1000, reclaimInterval: 500 },
    ...{ streams: [unique('a'), unique('b')], group: 'g', consumer: 'c', startId: '0' },
  });
  const subscriptions = (driver.source as RedisSource)['subscriptions'];
  expect(subscriptions.size).toBe(1);
  await subscription.close();
  expect(subscriptions.size).toBe(0);
  await close();
});
