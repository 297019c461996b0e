import type { OwnershipParts } from '../../../ports/stream-ownership.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type OwnershipWorld, LEASE } from './ownership-world.js';
import { expect } from '../../running/expect.js';
import { skip } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';

export function describeHandingOver(
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

  describe('a stream that is handed over', () => {
    const told = async (parts: OwnershipParts, noted?: string[]) =>
      (await parts.members.meet('I am b', noted)).find(({ consumer }) => consumer === 'b')!.handed;

    test('is locked by the other consumer at once, which is told of it until it has noted it', async () => {
      const place = await world.handedToA();
      const before = await world.take(a, place);
      await b.members.meet('I am b');
      const target = { consumer: 'b', said: 'I am b', handed: 0 };
      expect(await a.locks.handOver(before, target)).toBe('settled');
      expect(await b.locks.holders([place])).toEqual(['b']);
      expect(await a.locks.extend([before])).toEqual(['lost']);
      expect(await a.locks.complete(before)).toBe('lost');
      const [handed, ...more] = await told(b);
      expect(more).toEqual([]);
      expect(handed).toMatchObject({ id: place.id });
      expect(handed!.token).toBeGreaterThan(before.token);
      const after = { ...place, token: handed!.token };
      expect(await b.locks.extend([after])).toEqual(['held']);
      expect(await told(b, [place.id])).toEqual([]);
      expect(await b.locks.complete(after)).toBe('settled');
    });

    test('stays where the other consumer is not as it was seen', async () => {
      const held = await world.take(a, await world.handedToA());
      const other = await world.take(a, { ...(await world.handedToA()), stream: `${stream}-2` });
      await b.members.meet('I am b');
      const target = { consumer: 'b', said: 'I am b', handed: 0 };
      if (harness.apart) skip('it is given back there');
      expect(await a.locks.handOver(held, { ...target, said: 'something else' })).toBe('stale');
      expect(await a.locks.handOver(held, { ...target, consumer: 'c' })).toBe('stale');
      expect(await a.locks.handOver(held, target)).toBe('settled');
      expect(await a.locks.handOver(other, target)).toBe('stale');
      expect(await a.locks.extend([other])).toEqual(['held']);
      expect(await a.locks.handOver(other, { ...target, handed: 1 })).toBe('settled');
    });

    test('may be taken by any consumer where the other consumer never comes for it', async () => {
      const place = await world.handedToA();
      const held = await world.take(a, place);
      await b.members.meet('I am b');
      await a.locks.handOver(held, { consumer: 'b', said: 'I am b', handed: 0 });
      expect(await a.locks.take(place, false)).toEqual({ word: 'held' });
      await harness.elapse(LEASE + 50);
      await world.take(a, place);
    });
  });
}
