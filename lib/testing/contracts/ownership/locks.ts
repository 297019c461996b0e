import type { OwnershipParts } from '../../../ports/stream-ownership.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { FIELDS, LEASE, type OwnershipWorld } from './ownership-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { until } from '../../running/until.js';

export function describeLocks(
  { describe, test, beforeEach }: Tests,
  current: () => OwnershipWorld,
): void {
  let world: OwnershipWorld;
  let a: OwnershipParts;
  let b: OwnershipParts;
  let stream: string;
  let harness: DriverHarness;

  beforeEach(() => {
    world = current();
    ({ a, b, stream, harness } = world);
  });

  describe('a stream', () => {
    test('has one owner, as long as he keeps the lock alive', async () => {
      const place = await world.handedToA();
      const held = await world.take(a, place);
      expect(await b.locks.take(place, false)).toEqual({ word: 'held' });
      expect(await b.locks.holders([place])).toEqual(['a']);
      for (let beats = 0; beats < 4; beats++) {
        await harness.elapse(LEASE / 3);
        expect(await a.locks.extend([held])).toEqual(['held']);
      }
      expect(await b.locks.take(place, false)).toEqual({ word: 'held' });
    });

    // Other programs take inputs that have been pending for long, also where the lock is alive.
    test('has an input that stays young, as long as he keeps the lock alive', async () => {
      const place = await world.handedToA();
      const held = await world.take(a, place);
      for (let beats = 0; beats < 6; beats++) {
        await harness.elapse(LEASE / 3);
        expect(await a.locks.extend([held])).toEqual(['held']);
      }
      expect(await world.idleOf(place)).toBeLessThan(LEASE);
      expect(await b.inputs.pending(undefined, 10)).toMatchObject([{ owner: 'a' }]);
    });

    test('whose lock has expired goes to who takes it, under a higher token', async () => {
      const place = await world.handedToA();
      const before = await world.take(a, place);
      await harness.elapse(LEASE + 50);
      expect(await b.locks.holders([place])).toEqual([undefined]);
      const after = await world.take(b, place);
      expect(after.token).toBeGreaterThan(before.token);
      expect(await a.locks.extend([before])).toEqual(['lost']);
      expect(await a.locks.complete(before)).toBe('lost');
      expect(await a.locks.release(before)).toBe('lost');
      expect(await b.locks.extend([after])).toEqual(['held']);
      expect(await b.inputs.pending(undefined, 10)).toMatchObject([{ owner: 'b' }]);
    });

    test('whose lock has expired stays with its owner where no other came', async () => {
      const place = await world.handedToA();
      const held = await world.take(a, place);
      await harness.elapse(LEASE + 50);
      expect(await a.locks.extend([held])).toEqual(['held']);
      expect(await b.locks.take(place, false)).toEqual({ word: 'held' });
      expect(await a.locks.complete(held)).toBe('settled');
    });

    test('that was given back may be taken at once, and is refused to who gave it', async () => {
      const place = await world.handedToA();
      const before = await world.take(a, place);
      expect(await a.locks.release(before)).toBe('settled');
      const [pending] = await b.inputs.pending(undefined, 10);
      expect(pending!.idle).toBeGreaterThan(43_200_000);
      await until('it is free', async () => (await b.locks.holders([place]))[0] === undefined);
      expect(await a.locks.extend([before])).toEqual(['lost']);
      const after = await world.take(b, place);
      expect(after.token).toBeGreaterThan(before.token);
    });

    // Other programs count owners that died there, and give a stream up after a few.
    test('that was given back has lost no owner', async () => {
      const counted = [...FIELDS, '_retry_count', '3', '_other', 'x'];
      const place = await world.handedToA(counted);
      const before = await world.take(a, place);
      expect(await a.locks.release(before)).toBe('settled');
      expect(await a.locks.extend([before])).toEqual(['lost']);
      expect(await b.inputs.pending(undefined, 10)).toEqual([]);
      const [input, ...more] = await b.inputs.pull(10);
      expect(more).toEqual([]);
      expect(input!.fields).toEqual([...FIELDS, '_other', 'x']);
      const after = await world.take(b, { stream, id: input!.id });
      expect(after.token).toBeGreaterThan(before.token);
      expect(await b.locks.complete(after)).toBe('settled');
      expect(await b.inputs.read([place.id])).toEqual([{ id: place.id, fields: undefined }]);
    });

    test('is taken only where its input is pending, to us where that is asked for', async () => {
      const place = await world.handedToA();
      expect(await b.locks.take(place, true)).toEqual({ word: 'gone' });
      expect(await a.locks.take({ ...place, id: '1-1' }, false)).toEqual({ word: 'gone' });
      const free = async () =>
        (await a.locks.holders([place, { ...place, id: '1-1' }])).every((one) => !one);
      await until('both are free', free);
      expect(await a.locks.take(place, true)).toMatchObject({ word: 'taken' });
    });

    test('that is announced twice has one owner', async () => {
      const first = await world.handedToA();
      const second = await world.handedToA();
      const held = await world.take(a, first);
      expect(await b.locks.take(second, false)).toEqual({ word: 'busy' });
      await a.locks.complete(held);
      await world.take(b, second);
    });
  });
}
