import { ack } from '../../../core/settlement.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type DelaysWorld, LATER, SOON } from './delays-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import type { Lease } from '../../../core/lease.js';

export function describeSettlingWithDelays(
  { describe, test, beforeEach }: Tests,
  current: () => DelaysWorld,
): void {
  let world: DelaysWorld;
  let harness: DriverHarness;

  beforeEach(() => {
    world = current();
    ({ harness } = world);
  });

  describe('settling with messages for later', () => {
    async function taken(): Promise<Lease> {
      await world.publish('cause');
      return (await world.reader('A')).takeOne();
    }
    const settle = async (lease: Lease, ...publish: ReturnType<DelaysWorld['delayed']>[]) =>
      (await world.source()).settle([{ lease, settlement: { ...ack, publish } }]);

    test('they wait from the acknowledgement on, beside those published at once', async () => {
      const lease = await taken();
      const next = harness.unique('next');
      const { when, ...atOnce } = world.delayed('now', { in: 1 }, next);
      const source = await world.source();
      const settlement = {
        ...ack,
        publish: [
          world.delayed('later', { in: LATER }, next),
          atOnce,
          world.delayed('past', { at: 1 }, next),
          world.delayed('own stream', { in: LATER }),
        ],
      };
      expect(when).toBeDefined();
      expect(await source.settle([{ lease, settlement }])).toEqual(['settled']);
      const { movedByServer } = world.delays;
      if (!movedByServer) expect(await world.waiting(next)).toEqual(['past', 'later']);
      expect(await world.waiting()).toEqual(['own stream']);
      await world.expectMoved(1, next);
      expect(await world.waiting(next)).toEqual(['later']);
      expect(await world.published(next)).toEqual(['now', 'past']);
    });

    test('a second time they are not stored again', async () => {
      const lease = await taken();
      expect(await settle(lease, world.delayed('later', { in: LATER }))).toEqual(['settled']);
      expect(await settle(lease, world.delayed('later', { in: LATER }))).toEqual(['gone']);
      expect(await world.waiting()).toEqual(['later']);
    });

    test('a run that has lost its entry stores nothing', async () => {
      await world.publish('cause');
      const { leases } = await world.abandon('A', 1, { idleTimeout: SOON });
      await harness.elapse(2 * SOON);
      const thief = await world.reader('B', { idleTimeout: SOON });
      await thief.takeOne();
      expect(await settle(leases[0]!, world.delayed('stale', { in: LATER }))).toEqual(['lost']);
      expect(await world.waiting()).toEqual([]);
    });
  });
}
