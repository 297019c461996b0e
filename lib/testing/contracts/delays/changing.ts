import type { DelayStore } from '../../../ports/delays.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type DelaysWorld, LATER } from './delays-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';

export function describeChanging(
  { describe, test, beforeEach }: Tests,
  current: () => DelaysWorld,
): void {
  let world: DelaysWorld;
  let delays: DelayStore;
  let harness: DriverHarness;
  let stream: string;

  beforeEach(() => {
    world = current();
    ({ delays, harness, stream } = world);
  });

  describe('cancel and reschedule', () => {
    test('what is cancelled is not published', async () => {
      const [first] = await world.schedule(world.soon, 'first', 'second');
      expect(await delays.cancel(stream, first!)).toBe(true);
      expect(await delays.cancel(stream, first!)).toBe(false);
      await harness.elapse(world.soon + 1);
      await world.expectMoved(1);
      expect(await world.published()).toEqual(['second']);
    });

    test('what is rescheduled is due then, under its id', async () => {
      const [soon, late] = [
        ...(await world.schedule(world.soon, 'to be late')),
        ...(await world.schedule(LATER, 'to be soon')),
      ];
      expect(await delays.reschedule(stream, soon!, { in: 2 * LATER })).toBe(true);
      expect(await delays.reschedule(stream, late!, { at: harness.now() - 30_000 })).toBe(true);
      await harness.elapse(world.soon + 1);
      await world.expectMoved(1);
      expect(await world.published()).toEqual(['to be soon']);
      expect((await delays.list(stream, 10)).items).toMatchObject([{ id: soon }]);
    });

    test('what was published, never was, or is another kind of id is not there', async () => {
      const [id] = await world.schedule(1, 'gone');
      await harness.elapse(2);
      await world.expectMoved(1);
      for (const unknown of [id!, 'delayed-0000000000000000', '1-0', '', 'last', 'delayed-last']) {
        expect(await delays.cancel(stream, unknown)).toBe(false);
        expect(await delays.reschedule(stream, unknown, { in: 1 })).toBe(false);
      }
      expect(await world.promote()).toEqual({ moved: 0, lost: 0, nextIn: undefined });
    });
  });
}
