import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/core/clock.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { WorkflowStore } from '../../lib/ports/workflow-store.js';
import { workflowStoreContract } from '../../lib/testing/contracts/workflow-store.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { StateWorkflowStore } from '../../lib/workflows/state-store/state-workflow-store.js';
import { elapse } from '../support/passing-time.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

const open = ({ events = new EventBus(), keyPrefix = '' } = {}, maxConnections = 5): Driver =>
  postgres({ url: server.url, maxConnections }).open({ events, keyPrefix });

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

workflowStoreContract({ describe, it: test }, "postgres' state store", harness);

const stores: Record<string, (driver: Driver) => WorkflowStore> = {
  'in its tables': (driver) => driver.workflows!,
  'in its state store': (driver) => new StateWorkflowStore(driver.state!, systemClock),
};

for (const [place, storeOf] of Object.entries(stores)) {
  test(`${place}: of 20 processes that end the branches of one join, one is last`, async () => {
    const drivers = Array.from({ length: 20 }, () => open({}, 1));
    const workflow = unique('crowded');
    for (const [at, length] of [
      ['0', 5],
      ['1', 2000],
    ] as const) {
      const results = drivers.map((_, index) => `${index}`.padEnd(length, 'x'));
      const answers = await Promise.all(
        drivers.map((driver, index) =>
          storeOf(driver).arrive(
            { workflow, at, index, of: 20, token: `t${index}`, result: results[index]! },
            60_000,
          ),
        ),
      );
      expect(answers.filter((answer) => answer !== undefined)).toEqual([results]);
    }
    await Promise.all(drivers.map(({ source }) => source.close()));
  });
}

test('in its tables: the branches of a fan-out of 1,000 arrive from ten processes at once', async () => {
  const drivers = Array.from({ length: 10 }, () => open({}, 4));
  const workflow = unique('wide');
  const results = Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(1000, 'x'));
  const arrive = (index: number) =>
    drivers[index % 10]!.workflows!.arrive(
      { workflow, at: '0', index, of: 1000, token: `t${index}`, result: results[index]! },
      60_000,
    );
  const answers = await Promise.all(results.map((_, index) => arrive(index)));
  expect(answers.filter((answer) => answer !== undefined)).toEqual([results]);
  const last = answers.findIndex((answer) => answer !== undefined);
  expect(await arrive(last)).toEqual(results);
  expect(await arrive(last === 0 ? 1 : 0)).toBeUndefined();
  await Promise.all(drivers.map(({ source }) => source.close()));
});
