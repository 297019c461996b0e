import type { DelayStore } from '../../../ports/delays.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type DelaysWorld, LATER } from './delays-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { entry, valueOf } from '../../world/source-world.js';

/** What a server promises that moves due entries by itself: the property `movedByServer`. */
export function describeMovingByServer(
  { describe, test, beforeEach }: Tests,
  current: () => DelaysWorld,
): void {
  let world: DelaysWorld;
  let delays: DelayStore;
  let harness: DriverHarness;
  let stream: string;
  /** How late the server may be, in milliseconds. */
  let late: number;

  describe('a server that moves due entries by itself', () => {
    beforeEach(async () => {
      world = current();
      ({ delays, harness, stream } = world);
      late = await world.needMovingServer();
    });

    test('publishes an entry when it is due, not before, and in time', async () => {
      const reader = await world.reader('A');
      const soon = 2 * late;
      const before = harness.now();
      await world.schedule(soon, 'soon');
      const { publishedAt, ...lease } = await reader.takeOne();
      expect(valueOf({ ...lease, publishedAt })).toBe('soon');
      // The server and this process may round differently.
      expect(publishedAt).toBeGreaterThanOrEqual(Math.floor(before) + soon - 1);
      expect(publishedAt).toBeLessThanOrEqual(harness.now());
      await reader.expectNothing(100);
    });

    test('publishes at once what was due in the past, and keeps the rest', async () => {
      const now = harness.now();
      const ids = await delays.schedule([
        world.delayed('past', { at: now - 5000 }),
        world.delayed('epoch', { at: 0 }),
        world.delayed('far', { at: now + LATER }),
        world.delayed('never', { at: 8.64e15 }),
      ]);
      expect(new Set(ids).size).toBe(4);
      await world.expectMoved(2);
      expect(new Set(await world.published())).toEqual(new Set(['epoch', 'past']));
      expect(await world.waiting()).toEqual(['far', 'never']);
    });

    test('keeps the order of due times that are further apart than it is late', async () => {
      const at = harness.now() + late;
      await delays.schedule([
        world.delayed('third', { at: at + 4 * late }),
        world.delayed('second', { at: at + 2 * late }),
        world.delayed('first', { at }),
      ]);
      await harness.elapse(5 * late);
      await world.expectMoved(3);
      expect(await world.published()).toEqual(['first', 'second', 'third']);
    });

    test('publishes each of many once, those of one time in the order of storing', async () => {
      const at = harness.now() + late;
      const many = Array.from({ length: 1500 }, (_, index) => String(index));
      const results = await delays.schedule(many.map((value) => world.delayed(value, { at })));
      expect(new Set(results).size).toBe(1500);
      await harness.elapse(late);
      await world.expectMoved(1500);
      expect(await world.published()).toEqual(many);
    });

    test('publishes each entry to its own stream', async () => {
      const other = harness.unique('other');
      await delays.schedule([
        world.delayed('here', { at: 1 }),
        world.delayed('there', { at: 1 }, other),
      ]);
      await world.expectMoved(1);
      await world.expectMoved(1, other);
      expect(await world.published()).toEqual(['here']);
      expect(await world.published(other)).toEqual(['there']);
    });

    test('does not show waiting entries to consumers', async () => {
      const reader = await world.reader('A');
      await world.schedule(LATER, 'waits');
      await world.publish('now');
      expect((await reader.takeOne()).fields).toEqual(entry('now'));
      await reader.expectNothing(100);
    });

    test('has nothing to promote', async () => {
      await delays.schedule([world.delayed('due', { at: 1 })]);
      expect(await delays.promote([stream])).toEqual([{ moved: 0, lost: 0, nextIn: undefined }]);
    });
  });
}
