import { expect } from '../running/expect.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import { describeCreating } from './group-admin/creating.js';
import { describeDeleting } from './group-admin/deleting.js';
import { describeReporting } from './group-admin/reporting.js';
import { describePositioning } from './group-admin/positioning.js';
import { describeConsumers } from './group-admin/consumers.js';
import { describePending } from './group-admin/pending.js';
import { ALL, GroupWorld } from './group-admin/group-world.js';

/** What every driver with the port `groups` promises, and what one promises that has the port `pending`, too. */
export function groupAdminContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `group admin contract: ${name}`, (tests) => {
    const { test, beforeEach, afterEach } = tests;
    let current: GroupWorld;
    const world = () => current;

    beforeEach(async () => {
      current = new GroupWorld(await setup());
      await current.begin();
    });
    afterEach(() => current.close());

    describeCreating(tests, world);
    describeDeleting(tests, world);
    describeReporting(tests, world);
    describePositioning(tests, world);
    describeConsumers(tests, world);
    describePending(tests, world);

    test('after the source was closed, all of them are refused', async () => {
      const { stream, group } = current;
      const closing = await current.open();
      await closing.source.close();
      const { groups: closed, pending: entries } = closing;
      const attempts = [
        () => closed!.create(stream, group, { startId: '0', createStream: true }),
        () => closed!.delete(stream, group),
        () => closed!.describe([stream]),
        () => closed!.setPosition(stream, group, '0'),
        () => closed!.consumers?.(stream, group),
        () => closed!.removeConsumer?.(stream, group, 'one'),
        () => entries?.list(stream, group, ALL),
        () => entries?.claim(stream, group, { consumer: 'two', minIdleMs: 0, ids: ['1-0'] }),
        () => entries?.acknowledge(stream, group, ['1-0']),
      ];
      for (const attempt of attempts) {
        const attempted = attempt();
        if (attempted) await expect(attempted).rejects.toMatchObject({ code: 'CLOSED' });
      }
    });
  });
}
