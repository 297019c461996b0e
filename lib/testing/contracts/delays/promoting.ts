import type { DelayStore, Promoted } from '../../../ports/delays.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type DelaysWorld, LATER, SOON } from './delays-world.js';
import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';

export function describePromoting(
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

  describe('schedule and promote', () => {
    test('an entry is in its stream when it is due, and not before', async () => {
      await world.needPromoting();
      await world.schedule(SOON, 'soon');
      const early = await world.promote();
      expect(early).toMatchObject({ moved: 0, lost: 0 });
      expect(early.nextIn).toBeGreaterThan(0);
      expect(early.nextIn).toBeLessThanOrEqual(SOON);
      expect(await world.published()).toEqual([]);
      await harness.elapse(SOON + 1);
      expect(await world.promote()).toEqual({ moved: 1, lost: 0, nextIn: undefined });
      expect(await world.promote()).toEqual({ moved: 0, lost: 0, nextIn: undefined });
      expect(await world.published()).toEqual(['soon']);
    });

    test('nothing waits in an unknown stream', async () => {
      expect(await world.promote()).toEqual({ moved: 0, lost: 0, nextIn: undefined });
    });

    test('times of day are those of the server, and those past are due', async () => {
      await world.needPromoting();
      const now = harness.now();
      await delays.schedule([
        world.delayed('past', { at: now - 5000 }),
        world.delayed('epoch', { at: 0 }),
        world.delayed('far', { at: now + LATER }),
      ]);
      const { moved, nextIn } = await world.promote();
      expect(moved).toBe(2);
      expect(nextIn).toBeGreaterThan(LATER - 20_000);
      expect(nextIn).toBeLessThanOrEqual(LATER + 20_000);
      expect(await world.published()).toEqual(['epoch', 'past']);
      expect(await world.waiting()).toEqual(['far']);
    });

    test('the order is that of due times, and of equal ones that of storing', async () => {
      await world.needPromoting();
      const at = harness.now() - 100_000;
      const many = Array.from({ length: 250 }, (_, index) => `same-${index}`);
      await delays.schedule([
        world.delayed('third', { at: at + 2 }),
        ...many.map((value) => world.delayed(value, { at: at + 1 })),
        world.delayed('first', { at }),
      ]);
      await delays.schedule([world.delayed('same-late', { at: at + 1 })]);
      expect((await world.promote()).moved).toBe(253);
      expect(await world.published()).toEqual(['first', ...many, 'same-late', 'third']);
    });

    test('many are moved in bounded steps, none twice, by several at once', async () => {
      await world.needPromoting();
      const others = await Promise.all([1, 2].map(async () => port(await world.open(), 'delays')));
      const many = Array.from({ length: 2203 }, (_, index) => String(index));
      await delays.schedule(many.map((value) => world.delayed(value, { at: index(value) })));
      const first = await world.promote();
      expect(first.moved).toBeGreaterThan(0);
      expect(first.moved).toBeLessThan(2203);
      expect(first.nextIn).toBe(0);
      let moved = first.moved;
      while (moved < 2203) {
        const steps = await Promise.all(others.map((one) => one.promote([stream])));
        for (const [step] of steps) moved += (step as Promoted).moved;
      }
      expect(moved).toBe(2203);
      expect(await world.promote()).toEqual({ moved: 0, lost: 0, nextIn: undefined });
      expect(await world.published()).toEqual(many);
    });

    test('large ones are moved few at a time', async () => {
      await world.needPromoting();
      const large = 'x'.repeat(400_000);
      await delays.schedule(Array.from({ length: 60 }, () => world.delayed(large, { at: 1 })));
      let moved = 0;
      for (let steps = 0; moved < 60; steps++) {
        moved += (await world.promote()).moved;
        expect(steps).toBeLessThan(60);
      }
    });

    test('each stream has its own, and one answer in their order', async () => {
      await world.needPromoting();
      const [other, third] = [harness.unique('other'), harness.unique('third')];
      await delays.schedule([
        world.delayed('here', { at: 1 }),
        world.delayed('there', { at: 1 }, other),
        world.delayed('later', { in: LATER }, third),
      ]);
      const results = (await delays.promote([third, stream, other])) as Promoted[];
      expect(results.map(({ moved }) => moved)).toEqual([0, 1, 1]);
      expect(results[0]!.nextIn).toBeGreaterThan(0);
      expect(await world.published()).toEqual(['here']);
      expect(await world.published(other)).toEqual(['there']);
      await delays.cancel(third, (await delays.list(third, 1)).items[0]!.id);
    });

    test('a busy stream leaves room for others', async () => {
      await world.needPromoting();
      const other = harness.unique('other');
      await delays.schedule([
        ...Array.from({ length: 1000 }, () => world.delayed('busy', { at: 1 })),
        world.delayed('other', { at: 2 }, other),
      ]);
      const results = (await delays.promote([stream, other])) as Promoted[];
      expect(results[1]!.moved).toBe(1);
    });

    test('any fields come out as they went in', async () => {
      const fields = [
        '',
        '',
        'ü',
        '😀\u0000\r\n',
        'a',
        '1',
        'a',
        '2',
        'number',
        '12345678901234567890',
      ];
      const [id] = await delays.schedule([{ stream, fields, when: { in: LATER } }]);
      expect((await delays.list(stream, 1)).items[0]!.fields).toEqual(fields);
      expect(await delays.reschedule(stream, id as string, { at: 1 })).toBe(true);
      await world.expectMoved(1);
      const reader = await world.reader('A');
      expect((await reader.takeOne()).fields).toEqual(fields);
    });

    test('what is not an entry is refused, and the others are stored', async () => {
      const results = await delays.schedule([
        { ...world.delayed('', { in: LATER }), fields: [] },
        world.delayed('good', { in: LATER }),
        { ...world.delayed('', { in: LATER }), fields: ['odd'] },
      ]);
      expect(results).toEqual([expect.any(Error), expect.any(String), expect.any(Error)]);
      expect(await world.waiting()).toEqual(['good']);
    });

    test('under another key prefix are others', async () => {
      const apart = port(await world.open({ keyPrefix: 'apart:' }), 'delays');
      await world.schedule(LATER, 'here');
      expect((await apart.list(stream, 10)).items).toEqual([]);
      expect(await apart.promote([stream])).toEqual([{ moved: 0, lost: 0, nextIn: undefined }]);
    });
  });
}

/** A due time long past. */
const index = (value: string): number => Number(value) + 1;
