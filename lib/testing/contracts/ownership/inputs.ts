import type { OwnershipParts } from '../../../ports/stream-ownership.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type OwnershipWorld, LEASE, FIELDS } from './ownership-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';

export function describeInputs(
  { describe, test, beforeEach }: Tests,
  current: () => OwnershipWorld,
): void {
  let world: OwnershipWorld;
  let a: OwnershipParts;
  let b: OwnershipParts;
  let harness: DriverHarness;

  beforeEach(() => {
    world = current();
    ({ a, b, harness } = world);
  });

  describe('inputs', () => {
    test('go to one consumer each, and are pending until they are completed', async () => {
      const place = await world.handedToA();
      expect(await b.inputs.pending(undefined, 10)).toMatchObject([{ id: place.id, owner: 'a' }]);
      expect(await b.inputs.read([place.id, '1-1'])).toEqual([
        { id: place.id, fields: FIELDS },
        { id: '1-1', fields: undefined },
      ]);
      const held = await world.take(a, place);
      expect(await a.locks.complete(held)).toBe('settled');
      expect(await b.inputs.pending(undefined, 10)).toEqual([]);
      expect(await b.inputs.read([place.id])).toEqual([{ id: place.id, fields: undefined }]);
      expect(await a.locks.complete(held)).toBe('gone');
    });

    test('come in pages', async () => {
      const ids = [await a.inputs.add(FIELDS), await a.inputs.add(FIELDS)];
      await a.inputs.pull(10);
      expect((await b.inputs.pending(undefined, 1)).map(({ id }) => id)).toEqual(ids.slice(0, 1));
      expect((await b.inputs.pending(ids[0], 5)).map(({ id }) => id)).toEqual(ids.slice(1));
    });

    test('wait for a consumer, also those that were added before the first one came', async () => {
      const pulling = b.inputs.pull(1);
      const id = await a.inputs.add(FIELDS);
      expect(await pulling).toMatchObject([{ id }]);
    });

    test('are adopted, and young again, where they are pending to whom they were', async () => {
      const places = [await world.handedToA(), await world.handedToA()];
      const rows = await b.inputs.pending(undefined, 10);
      await b.inputs.adopt(rows.slice(0, 1));
      await harness.elapse(LEASE);
      await a.inputs.adopt(rows);
      expect(await b.inputs.pending(undefined, 10)).toMatchObject([
        { ...rows[0], owner: 'b', idle: expect.any(Number) },
        { ...rows[1], owner: 'a', idle: expect.any(Number) },
      ]);
      expect(await world.idleOf(places[0]!)).toBeGreaterThanOrEqual(LEASE);
      expect(await world.idleOf(places[1]!)).toBeLessThan(LEASE);
    });

    test('can be discarded, once', async () => {
      const { id } = await world.handedToA();
      await b.inputs.discard({ id, fields: FIELDS }, 'for the test');
      await a.inputs.discard({ id, fields: FIELDS }, 'for the test');
      expect(await b.inputs.pending(undefined, 10)).toEqual([]);
    });

    test('a pull that waits ends when it is closed', async () => {
      const pulling = b.inputs.pull(1);
      await b.close();
      expect(await pulling).toEqual([]);
    });
  });
}
