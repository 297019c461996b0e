import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import { SourceWorld } from '../world/source-world.js';
import { describeCapabilities } from './source/capabilities.js';
import { describeCompleting } from './source/completing.js';
import { describeFencing } from './source/fencing.js';
import { describeLeaving } from './source/leaving.js';
import { describeHolding } from './source/holding.js';
import { describeReleasingHeld } from './source/releasing-held.js';
import { describeGuarding } from './source/guarding.js';
import { describeInboxes } from './source/inboxes.js';
import { describePartitioning } from './source/partitioning.js';
import { describePublishing } from './source/publishing.js';
import { describePublishingOnce } from './source/publishing-once.js';
import { describePulling } from './source/pulling.js';
import { describeReclaiming } from './source/reclaiming.js';
import { describeRedriving } from './source/redriving.js';
import { describeReleasing } from './source/releasing.js';
import { describeRetrying } from './source/retrying.js';
import { describeSettledUpTo } from './source/settled-up-to.js';
import { describeSettling } from './source/settling.js';
import { describeSharing } from './source/sharing.js';
import { describeTrimming } from './source/trimming.js';
import { describeWatching } from './source/watching.js';

/**
 * What every message source promises. A driver's test is one call:
 *
 * ```ts
 * sourceContract({ describe, it }, 'mine', () => new MyHarness());
 * ```
 *
 * A test of what `capabilities` or an absent port excludes is skipped, with the reason.
 */
export function sourceContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `source contract: ${name}`, (tests) => {
    const { beforeEach, afterEach } = tests;
    let current: SourceWorld;
    const world = () => current;

    beforeEach(async () => {
      current = new SourceWorld(await setup());
    });
    afterEach(() => current.close());

    describeCapabilities(tests, world);
    describePublishing(tests, world);
    describePublishingOnce(tests, world);
    describePartitioning(tests, world);
    describePulling(tests, world);
    describeSharing(tests, world);
    describeSettling(tests, world);
    describeSettledUpTo(tests, world);
    describeLeaving(tests, world);
    describeWatching(tests, world);
    describeRetrying(tests, world);
    describeReleasing(tests, world);
    describeReclaiming(tests, world);
    describeFencing(tests, world);
    describeGuarding(tests, world);
    describeTrimming(tests, world);
    describeRedriving(tests, world);
    describeHolding(tests, world);
    describeReleasingHeld(tests, world);
    describeCompleting(tests, world);
    describeInboxes(tests, world);
  });
}
