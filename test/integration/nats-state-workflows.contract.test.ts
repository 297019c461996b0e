import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/core/clock.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import { workflowStoreContract } from '../../lib/testing/contracts/workflow-store.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { StateWorkflowStore } from '../../lib/workflows/state-store/state-workflow-store.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { elapse } from '../support/passing-time.js';

for (const version of ['floor', 'current'] as const) {
  describe(`workflows in the state store of nats, ${version}`, needsNats(version), () => {
    let server: TestNats;
    beforeAll(async () => void (server = await testNats({ version })));
    afterAll(() => server.cleanup());

    const open = ({ events = new EventBus(), keyPrefix = '' } = {}): Driver =>
      nats({ url: server.url }).open({ events, keyPrefix });
    const storeOf = ({ state }: Driver) => new StateWorkflowStore(state!, systemClock);
    const close = (drivers: readonly Driver[]) =>
      Promise.all(drivers.map(({ source }) => source.close()));
    const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

    const harness = (): DriverHarness => ({
      open: async (options) => {
        const driver = open(options);
        return { ...driver, workflows: storeOf(driver) };
      },
      elapse,
      now: () => Date.now(),
      unique,
      close: async () => undefined,
    });

    workflowStoreContract({ describe, it: test }, "nats' state store", harness);

    test('of 20 processes that end the branches of one join, one is last', async () => {
      const drivers = Array.from({ length: 20 }, () => open());
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
      await close(drivers);
    });

    test('the branches of a fan-out of 1,000 are joined', async () => {
      const driver = open();
      const store = storeOf(driver);
      const workflow = unique('wide');
      const results = Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(1000, 'x'));
      const answers = await Promise.all(
        results.map((result, index) =>
          store.arrive({ workflow, at: '0', index, of: 1000, token: `t${index}`, result }, 60_000),
        ),
      );
      expect(answers.filter((answer) => answer !== undefined)).toEqual([results]);
      await close([driver]);
    });
  });
}
