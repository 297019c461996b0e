import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import type { SourceHarness } from './source-harness.js';
import { SourceWorld } from './source-world.js';
import { describeCompleting } from './source/completing.js';
import { describeFencing } from './source/fencing.js';
import { describeLeaving } from './source/leaving.js';
import { describeGuarding } from './source/guarding.js';
import { describeInboxes } from './source/inboxes.js';
import { describePublishing } from './source/publishing.js';
import { describePublishingOnce } from './source/publishing-once.js';
import { describePulling } from './source/pulling.js';
import { describeReclaiming } from './source/reclaiming.js';
import { describeRedriving } from './source/redriving.js';
import { describeReleasing } from './source/releasing.js';
import { describeRetrying } from './source/retrying.js';
import { describeSettling } from './source/settling.js';
import { describeSharing } from './source/sharing.js';
import { describeTrimming } from './source/trimming.js';
import { describeWatching } from './source/watching.js';

export type { OpenOptions, SourceHarness } from './source-harness.js';

/**
 * What every message source promises. A driver's test is one call:
 *
 * ```ts
 * describeSourceContract('mine', async () => new MyHarness());
 * ```
 *
 * What a driver's capabilities exclude is skipped, and printed.
 */
export function describeSourceContract(name: string, setup: () => Promise<SourceHarness>): void {
  describe(`source contract: ${name}`, () => {
    let harness: SourceHarness;
    let current: SourceWorld;
    const world = () => current;

    beforeAll(async () => {
      harness = await setup();
    });
    afterAll(() => harness.close());
    beforeEach(() => {
      current = new SourceWorld(harness);
    });
    afterEach(() => current.close());

    describePublishing(world);
    describePublishingOnce(world);
    describePulling(world);
    describeSharing(world);
    describeSettling(world);
    describeLeaving(world);
    describeWatching(world);
    describeRetrying(world);
    describeReleasing(world);
    describeReclaiming(world);
    describeFencing(world);
    describeGuarding(world);
    describeTrimming(world);
    describeRedriving(world);
    describeCompleting(world);
    describeInboxes(world);
  });
}
