import { port } from '../running/skipped.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import { describeAnnouncing } from './live/announcing.js';
import { describeHandingOver } from './live/handing-over.js';
import { describeReceiving } from './live/receiving.js';
import { LiveWorld } from './live/live-world.js';

/** What every registry of live consumers promises. */
export function liveConsumersContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `live consumers contract: ${name}`, (tests) => {
    const { beforeEach, afterEach } = tests;
    let current: LiveWorld;
    const world = () => current;

    beforeEach(async () => {
      current = new LiveWorld(await setup());
      port(await current.driver(), 'live');
    });
    afterEach(() => current.close());

    describeAnnouncing(tests, world);
    describeHandingOver(tests, world);
    describeReceiving(tests, world);
  });
}
