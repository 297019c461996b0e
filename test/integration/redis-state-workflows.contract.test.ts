import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/core/clock.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import { workflowStoreContract } from '../../lib/testing/contracts/workflow-store.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { StateWorkflowStore } from '../../lib/workflows/state-store/state-workflow-store.js';
import { elapse } from '../support/passing-time.js';
import { testRedis, type TestRedis } from '../support/redis.js';

let server: TestRedis;
beforeAll(async () => void (server = await testRedis()));
afterAll(() => server.cleanup());

const open = ({ events = new EventBus(), keyPrefix = '' } = {}): Driver =>
  redis({ url: server.url }).open({ events, keyPrefix: server.prefix + keyPrefix });

const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

/** The workflows of the driver's state store take the place of its own. */
const harness = (): DriverHarness => ({
  open: async (options) => {
    const driver = open(options);
    return { ...driver, workflows: new StateWorkflowStore(driver.state!, systemClock) };
  },
  elapse,
  now: () => Date.now(),
  unique,
  close: async () => undefined,
});

workflowStoreContract({ describe, it: test }, "redis' state store", harness);

test("redis' state store: 50 connections end the branches of one join, and one is last", async () => {
  const drivers = Array.from({ length: 50 }, () => open());
  const stores = drivers.map(({ state }) => new StateWorkflowStore(state!, systemClock));
  const workflow = unique('crowded');
  for (const [at, length] of [
    ['0', 5],
    ['1', 2000],
  ] as const) {
    const results = stores.map((_, index) => `${index}`.padEnd(length, 'x'));
    const answers = await Promise.all(
      stores.map((store, index) =>
        store.arrive(
          { workflow, at, index, of: 50, token: `t${index}`, result: results[index]! },
          60_000,
        ),
      ),
    );
    expect(answers.filter((answer) => answer !== undefined)).toEqual([results]);
  }
  await Promise.all(drivers.map(({ source }) => source.close()));
});

test("redis' state store: the branches of a fan-out of 1,000", async () => {
  const driver = open();
  const store = new StateWorkflowStore(driver.state!, systemClock);
  const workflow = unique('wide');
  const results = Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(1000, 'x'));
  let joined: readonly string[] | undefined;
  for (let first = 0; first < 1000; first += 50) {
    const answers = await Promise.all(
      results.slice(first, first + 50).map((result, at) => {
        const index = first + at;
        return store.arrive(
          { workflow, at: '0', index, of: 1000, token: `t${index}`, result },
          60_000,
        );
      }),
    );
    joined = answers.find((answer) => answer !== undefined);
  }
  expect(joined).toEqual(results);
  const longest = await server.client.strlen(`${server.prefix}workflow:join:${workflow}:0`);
  expect(longest).toBeLessThan(30_000);
  await driver.source.close();
});
