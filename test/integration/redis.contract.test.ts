import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { EventBus } from '../../lib/core/events.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { describeDeadLettersContract } from '../contracts/dead-letters.contract.js';
import { describeSourceContract } from '../contracts/source.contract.js';
import type { SourceHarness } from '../contracts/source-harness.js';
import { describeStateStoreContract } from '../contracts/state-store.contract.js';
import { testRedis, type TestRedis } from '../support/redis.js';

let server: TestRedis;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

async function harness(): Promise<SourceHarness> {
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      redis({ url: server.url }).open({ events, keyPrefix: server.prefix + keyPrefix }),
    elapse: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    now: () => Date.now(),
    unique: (name) => `${name}-${randomBytes(4).toString('hex')}`,
    trim: async (stream, id) => {
      await server.client.xdel(server.prefix + stream, id);
    },
    close: async () => undefined,
  };
}

/** With a connection of its own, closed after all tests. */
async function withDriver() {
  const shared = await harness();
  const driver = await shared.open();
  return { ...shared, driver, close: () => driver.source.close() };
}

describeSourceContract('redis', harness);

describeDeadLettersContract('redis', async () => {
  const shared = await withDriver();
  return { ...shared, queue: shared.driver.deadLetters! };
});

describeStateStoreContract('redis', async () => {
  const shared = await withDriver();
  return { ...shared, store: shared.driver.state! };
});
