import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import { describeAnnouncing } from './live/announcing.js';
import { describeHandingOver } from './live/handing-over.js';
import { LiveWorld } from './live/live-world.js';
import type { SourceHarness } from './source-harness.js';

/** What every registry of live consumers promises. */
export function describeLiveConsumersContract(
  name: string,
  setup: () => Promise<SourceHarness>,
): void {
  describe(`live consumers contract: ${name}`, () => {
    let harness: SourceHarness;
    let current: LiveWorld;
    const world = () => current;

    beforeAll(async () => {
      harness = await setup();
    });
    afterAll(() => harness.close());
    beforeEach(() => {
      current = new LiveWorld(harness);
    });
    afterEach(() => current.close());

    describeAnnouncing(world);
    describeHandingOver(world);
  });
}
