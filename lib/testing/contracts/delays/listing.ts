import type { DelayStore } from '../../../ports/delays.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type DelaysWorld, LATER } from './delays-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { entry } from '../../world/source-world.js';

export function describeListing(
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

  describe('count, where the store can count', () => {
    test('tells how many wait, of each stream apart', async () => {
      if (!delays.count) return;
      expect(await delays.count(stream)).toBe(0);
      const at = harness.now() + LATER;
      const ids = await delays.schedule(
        ['0', '1', '2'].map((value) => world.delayed(value, { at })),
      );
      expect(await delays.count(stream)).toBe(3);
      await delays.cancel(stream, ids[0] as string);
      expect(await delays.count(stream)).toBe(2);
      expect(await delays.count(harness.unique('other'))).toBe(0);
    });
  });

  describe('list', () => {
    test('tells all that waits, soonest first', async () => {
      const at = harness.now() + LATER;
      const ids = await delays.schedule([
        world.delayed('second', { at: at + 1 }),
        world.delayed('first', { at }),
      ]);
      expect(await delays.list(stream, 10)).toEqual({
        items: [
          { id: ids[1], dueAt: at, fields: entry('first') },
          { id: ids[0], dueAt: at + 1, fields: entry('second') },
        ],
      });
    });

    for (const limit of [1, 2, 3, 7, 100]) {
      test(`pages of ${limit} hold all, once each`, async () => {
        const at = harness.now() + LATER;
        const values = ['0', '1', '2', '3', '4', '5', '6'];
        // Equal due times, too.
        await delays.schedule(
          values.map((value, index) => world.delayed(value, { at: at + (index >> 2) })),
        );
        const found: (string | undefined)[] = [];
        let after: string | undefined;
        do {
          const page = await delays.list(stream, limit, after);
          expect(page.items.length).toBeLessThanOrEqual(limit);
          found.push(...page.items.map(({ fields }) => fields[3]));
          after = page.next;
        } while (after !== undefined);
        expect(found).toEqual(values);
      });
    }

    test('goes on behind a message that is gone', async () => {
      const at = harness.now() + LATER;
      await delays.schedule(['0', '1', '2', '3'].map((value) => world.delayed(value, { at })));
      const { items, next } = await delays.list(stream, 2);
      await delays.cancel(stream, items[1]!.id);
      const rest = await delays.list(stream, 10, next);
      expect(rest.items.map(({ fields }) => fields[3])).toEqual(['2', '3']);
    });
  });
}
