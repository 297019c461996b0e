import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import { describeListening } from './delays/listening.js';
import { describeMovingByServer } from './delays/moving-by-server.js';
import { describePromoting } from './delays/promoting.js';
import { describeSchedulingOnce } from './delays/scheduling-once.js';
import { describeListing } from './delays/listing.js';
import { describeChanging } from './delays/changing.js';
import { describeSettlingWithDelays } from './delays/settling.js';
import { DelaysWorld } from './delays/delays-world.js';

/** What every delay store promises, and settlements that delay. */
export function delaysContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `delays contract: ${name}`, (tests) => {
    const { beforeEach, afterEach } = tests;
    let current: DelaysWorld;
    const world = () => current;

    beforeEach(async () => {
      current = new DelaysWorld(await setup());
      await current.begin();
    });
    afterEach(() => current.close());

    describeListening(tests, world);
    describePromoting(tests, world);
    describeMovingByServer(tests, world);
    describeSchedulingOnce(tests, world);
    describeListing(tests, world);
    describeChanging(tests, world);
    describeSettlingWithDelays(tests, world);
  });
}
