import { expect } from '../running/expect.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import { describeInputs } from './ownership/inputs.js';
import { describeLocks } from './ownership/locks.js';
import { describeReading } from './ownership/reading.js';
import { describeReadingOfOthers } from './ownership/reading-of-others.js';
import { describeHandingOver } from './ownership/handing-over.js';
import { OwnershipWorld } from './ownership/ownership-world.js';

/** What every driver promises that can share streams out. */
export function streamOwnershipContract(
  runner: TestRunner,
  name: string,
  setup: DriverSetup,
): void {
  declareSuite(runner, `stream ownership contract: ${name}`, (tests) => {
    const { test, beforeEach, afterEach } = tests;
    let current: OwnershipWorld;
    const world = () => current;

    beforeEach(async () => {
      current = new OwnershipWorld(await setup());
      await current.begin();
    });
    afterEach(() => current.close());

    describeInputs(tests, world);
    describeLocks(tests, world);
    describeReading(tests, world);
    describeReadingOfOthers(tests, world);
    describeHandingOver(tests, world);

    test('members know of each other until they leave', async () => {
      const { a, b } = current;
      await a.members.meet('I am a');
      expect(await b.members.meet('so am I')).toMatchObject([
        { consumer: 'a', said: 'I am a', handed: [] },
        { consumer: 'b', said: 'so am I', age: 0, handed: [] },
      ]);
      await a.members.leave();
      expect(await b.members.meet('alone')).toMatchObject([{ consumer: 'b', said: 'alone' }]);
    });
  });
}
