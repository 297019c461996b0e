import type { DelayStore } from '../../../ports/delays.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type DelaysWorld, LATER } from './delays-world.js';
import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import type { IdempotencyWindow, When } from '../../../core/message.js';

export function describeSchedulingOnce(
  { describe, test, beforeEach }: Tests,
  current: () => DelaysWorld,
): void {
  let world: DelaysWorld;
  let delays: DelayStore;
  let harness: DriverHarness;

  beforeEach(() => {
    world = current();
    ({ delays, harness } = world);
  });

  describe('with an idempotency key', () => {
    /** For longer than the test takes. */
    let long: IdempotencyWindow;
    beforeEach(async () => {
      await world.need((can) => can.idempotentPublish !== false, 'deduplicate publishing');
      const { capabilities } = await world.source();
      long = capabilities.idempotentPublish === 'native' ? 'native' : LATER;
    });

    const keyed = (value: string, when: When, window = long) => ({
      ...world.delayed(value, when),
      idempotency: { key: 'k', window },
    });

    test('one is stored, however often and from wherever', async () => {
      const other = port(await world.open(), 'delays');
      const [first, same] = await delays.schedule([
        keyed('1', { in: LATER }),
        keyed('again', { in: 1 }),
      ]);
      expect(first).toMatch(/^delayed-/);
      expect(same).toBe(first);
      expect(await other.schedule([keyed('again', { at: 1 })])).toEqual([first]);
      expect(await world.waiting()).toEqual(['1']);
    });

    test('it is the same key as that of publishing at once', async () => {
      const source = await world.source();
      const { when, ...atOnce } = keyed('1', { in: LATER });
      const [id] = await delays.schedule([{ ...atOnce, when }]);
      expect(await source.publish([atOnce])).toEqual([id]);
      const other = { ...atOnce, idempotency: { key: 'other', window: long } };
      const [published] = await source.publish([other]);
      expect(await delays.schedule([{ ...other, when }])).toEqual([published]);
      expect(await world.waiting()).toEqual(['1']);
    });

    test('the window begins when it is due', async () => {
      await world.need((can) => can.idempotentPublish === true, 'heed windows of entries');
      const [first] = await delays.schedule([keyed('1', { in: 300 }, 300)]);
      await harness.elapse(400);
      expect(await delays.schedule([keyed('again', { in: 1 }, 300)])).toEqual([first]);
      await harness.elapse(250);
      expect(await delays.schedule([keyed('2', { in: LATER }, 300)])).not.toEqual([first]);
    });
  });
}
