import type { OwnershipParts } from '../../../ports/stream-ownership.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type OwnershipWorld, LEASE } from './ownership-world.js';
import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';

export function describeReading(
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

  describe('what is read of it', () => {
    test('comes one by one, the next one once the last one is settled', async () => {
      const held = await world.take(a, await world.handedToA());
      world.kept(held);
      const subscription = await world.reading(a);
      const ids = [await world.publishNumber(0), await world.publishNumber(1)];
      subscription.add(held);
      const [first, ...more] = await subscription.pull(10);
      expect(first).toMatchObject({ id: ids[0], attempt: 1, charged: true, owned: held });
      expect(more).toEqual([]);
      const next = subscription.pull(10);
      expect(await world.settle(first!)).toBe('settled');
      expect(await next).toMatchObject([{ id: ids[1] }]);
      // An idle stream wakes up.
      const [second] = await next;
      await world.settle(second!);
      const third = subscription.pull(10);
      const id = await world.publishNumber(2);
      expect(await third).toMatchObject([{ id }]);
    });

    test('is waited for no longer than blockTimeout, with streams or without', async () => {
      const waiting = 100;
      const subscription = await world.reading(a, undefined, waiting);
      const without = subscription.pull(10);
      await harness.elapse(waiting);
      expect(await without).toEqual([]);
      const held = await world.take(a, await world.handedToA());
      world.kept(held);
      subscription.add(held);
      const idle = subscription.pull(10);
      await harness.elapse(waiting);
      expect(await idle).toEqual([]);
      const id = await world.publishNumber(0);
      let next = await subscription.pull(10);
      while (next.length === 0) next = await subscription.pull(10);
      expect(next).toMatchObject([{ id }]);
    });

    test('begins with what an owner before had in hand, who can settle it no more', async () => {
      const place = await world.handedToA();
      const before = await world.take(a, place);
      const [reads, then] = [await world.reading(a), await world.reading(b)];
      const ids = [
        await world.publishNumber(0),
        await world.publishNumber(1),
        await world.publishNumber(2),
      ];
      reads.add(before);
      const [inHand] = await reads.pull(1);
      await harness.elapse(LEASE + 50);
      const after = await world.take(b, place);
      world.kept(after, b);
      then.add(after);
      const seen: string[] = [];
      for (let n = 0; n < 3; n++) {
        const [lease] = await then.pull(1);
        expect(await then.begin(lease!)).toBe('started');
        if (n === 0) {
          expect(await reads.extend([inHand!])).toEqual(['lost']);
          expect(await world.settle(inHand!)).toBe('lost');
        }
        seen.push(lease!.id);
        expect(await world.settle(lease!)).toBe('settled');
      }
      expect(seen).toEqual(ids);
    });

    test('begins again where settling ended, when the lock had only expired', async () => {
      const held = await world.take(a, await world.handedToA());
      const subscription = await world.reading(a);
      const ids = [await world.publishNumber(0), await world.publishNumber(1)];
      subscription.add(held);
      const [first] = await subscription.pull(1);
      await harness.elapse(LEASE + 50);
      const outcome = await world.settle(first!);
      if (outcome === 'lost') subscription.forget(first!);
      const next = subscription.pull(1);
      expect(await a.locks.extend([held])).toEqual(['held']);
      // Where no step reaches lock and stream, the token alone is the fence: it was settled.
      if (outcome === 'lost') {
        const [again] = await next;
        expect(again).toMatchObject({ id: ids[0], attempt: 1, charged: false });
        expect(await a.locks.extend([held])).toEqual(['held']);
        expect(await subscription.begin(again!)).toBe('started');
        expect(await world.settle(again!)).toBe('settled');
      }
      const [second] = await (outcome === 'lost' ? subscription.pull(1) : next);
      // What was read and not begun has lost no run.
      expect(second).toMatchObject({ id: ids[1], attempt: 1, charged: true });
      expect(await a.locks.extend([held])).toEqual(['held']);
      expect(await world.settle(second!)).toBe('settled');
      // The same while it waits for what is to come.
      await harness.elapse(LEASE + 50);
      const third = subscription.pull(1);
      const id = await world.publishNumber(2);
      await harness.elapse(50);
      expect(await a.locks.extend([held])).toEqual(['held']);
      expect(await third).toMatchObject([{ id }]);
    });

    test('is not let go of while a run of it is being counted', async () => {
      const place = await world.handedToA();
      const reads = await world.reading(a);
      reads.add(await world.take(a, place));
      await world.publishNumber(0);
      await reads.pull(1);
      await harness.elapse(LEASE + 50);
      const held = await world.take(b, place);
      const subscription = await world.reading(b);
      subscription.add(held);
      const [lease] = await subscription.pull(1);
      const begun = subscription.begin(lease!);
      let rested = false;
      const rests = subscription.letGo(held).then(() => (rested = true));
      expect(await begun).toBe('started');
      await b.locks.extend([held]);
      expect(rested).toBe(false);
      await world.settle(lease!);
      await rests;
    });

    test('waits for a method that has outlived its timeout', async () => {
      const held = await world.take(a, await world.handedToA());
      const subscription = await world.reading(a);
      const ids = [await world.publishNumber(0), await world.publishNumber(1)];
      subscription.add(held);
      const [lease] = await subscription.pull(1);
      let end!: () => void;
      lease!.overrun = new Promise<void>((resolve) => (end = resolve)).then(
        () => (lease!.overrun = undefined),
      );
      expect(await world.settle(lease!)).toBe('settled');
      let came = false;
      const next = subscription.pull(1).finally(() => (came = true));
      await a.locks.extend([held]);
      expect(came).toBe(false);
      end();
      expect(await next).toMatchObject([{ id: ids[1] }]);
    });

    test('is read one by one at first, as others may be about to take the input away', async () => {
      const held = await world.take(a, await world.handedToA());
      const subscription = await world.reading(a);
      await world.publishNumber(0);
      await world.publishNumber(1);
      subscription.add(held);
      await subscription.pull(1);
      expect(
        await port(await world.driver(), 'pending').list(stream, 'g', { count: 10 }),
      ).toHaveLength(1);
    });

    test('rests once it is let go of', async () => {
      const held = await world.take(a, await world.handedToA());
      const subscription = await world.reading(a);
      await world.publishNumber(0);
      await world.publishNumber(1);
      subscription.add(held);
      const [lease] = await subscription.pull(1);
      const rests = subscription.letGo(held);
      await world.settle(lease!);
      await rests;
      const more = subscription.pull(1);
      await subscription.stop();
      expect(await more).toEqual([]);
    });
  });
}
