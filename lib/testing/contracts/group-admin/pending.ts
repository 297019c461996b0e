import type { PendingEntries } from '../../../ports/group-admin.js';
import { type GroupWorld, ALL, idsOf } from './group-world.js';
import { expect } from '../../running/expect.js';
import { skip } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import { release } from '../../../core/settlement.js';

export function describePending(
  { describe, test, beforeEach }: Tests,
  current: () => GroupWorld,
): void {
  let world: GroupWorld;
  let pending: PendingEntries;
  let stream: string;
  let group: string;

  describe('pending', () => {
    beforeEach(async () => {
      world = current();
      ({ stream, group } = world);
      pending = await world.pending();
    });

    test('what is missing is an error of its type', async () => {
      const claim = { consumer: 'two', minIdleMs: 0, ids: ['1-0'] };
      await expect(pending.list(stream, group, ALL)).rejects.toThrow(StreamNotFoundError);
      await expect(pending.claim(stream, group, claim)).rejects.toThrow(StreamNotFoundError);
      expect(await pending.acknowledge(stream, group, ['1-0'])).toBe(0);
      await world.publish('a');
      await expect(pending.list(stream, group, ALL)).rejects.toThrow(GroupNotFoundError);
      await expect(pending.claim(stream, group, claim)).rejects.toThrow(GroupNotFoundError);
      expect(await pending.acknowledge(stream, group, ['1-0'])).toBe(0);
    });

    test('lists oldest first, with owner, idle time and count', async () => {
      const ids = await world.publish('a', 'b', 'c');
      await world.abandon('one', 2);
      await world.abandon('two', 1);
      await world.harness.elapse(20);
      const found = await pending.list(stream, group, ALL);
      expect(found.map(({ id, consumer, delivered }) => [id, consumer, delivered])).toEqual([
        [ids[0], 'one', 1],
        [ids[1], 'one', 1],
        [ids[2], 'two', 1],
      ]);
      for (const { idleMs } of found) {
        expect(idleMs).toBeGreaterThanOrEqual(15);
        expect(idleMs).toBeLessThan(10_000);
      }
    });

    test('of one consumer, idle for so long, from an id, at most so many', async () => {
      const ids = await world.publish('a', 'b', 'c', 'd');
      await world.abandon('one', 3);
      await world.harness.elapse(300);
      await world.abandon('two', 1);
      const list = async (query: object) =>
        idsOf(await pending.list(stream, group, { ...ALL, ...query }));
      expect(await list({ consumer: 'one' })).toEqual(ids.slice(0, 3));
      expect(await list({ consumer: 'nobody' })).toEqual([]);
      expect(await list({ minIdleMs: 250 })).toEqual(ids.slice(0, 3));
      expect(await list({ minIdleMs: 60_000 })).toEqual([]);
      expect(await list({ start: ids[1] })).toEqual(ids.slice(1));
      expect(await list({ start: `(${ids[1]}` })).toEqual(ids.slice(2));
      expect(await list({ count: 2 })).toEqual(ids.slice(0, 2));
      const both = { consumer: 'one', minIdleMs: 250, start: ids[1], count: 1 };
      expect(await list(both)).toEqual([ids[1]]);
    });

    test('more than one command answers', async () => {
      const ids = await world.publish(...Array.from({ length: 2300 }, (_, n) => String(n)));
      await world.abandon('one', 2300);
      const found = await pending.list(stream, group, { count: 2200 });
      expect(idsOf(found)).toEqual(ids.slice(0, 2200));
      const to = { consumer: 'two', minIdleMs: 0, ids };
      expect(await pending.claim(stream, group, to)).toHaveLength(2300);
      expect(await pending.acknowledge(stream, group, ids)).toBe(2300);
    });

    test('what was given back is free at once', async () => {
      await world.publish('a');
      const reader = await world.reader('one');
      const [lease] = await reader.take(1);
      await (await world.source()).settle([{ lease: lease!, settlement: release }]);
      await reader.subscription.stop();
      const [found] = await pending.list(stream, group, ALL);
      expect(['', 'one']).toContain(found!.consumer);
      expect(found!.idleMs).toBeGreaterThanOrEqual(86_400_000);
      expect(found!.delivered).toBe(0);
    });

    test('is claimed where it is idle, uncharged, and is no other consumer’s then', async () => {
      const ids = await world.publish('a', 'b', 'c');
      const { reader, leases } = await world.abandon('one', 2);
      await world.harness.elapse(300);
      await world.abandon('three', 1);
      const to = { consumer: 'two', minIdleMs: 250, ids };
      expect((await pending.claim(stream, group, to)).sort()).toEqual(ids.slice(0, 2));
      const found = await pending.list(stream, group, { ...ALL, consumer: 'two' });
      expect(found.map(({ id, delivered }) => [id, delivered])).toEqual([
        [ids[0], 1],
        [ids[1], 1],
      ]);
      expect(found[0]!.idleMs).toBeLessThan(250);
      expect(await reader.subscription.extend(leases)).toEqual(['lost', 'lost']);
      expect(await pending.claim(stream, group, { ...to, ids: ['1-0'] })).toEqual([]);
      expect(await pending.claim(stream, group, { ...to, ids: [] })).toEqual([]);
    });

    test('a running consumer takes up what was claimed for it', async () => {
      const ids = await world.publish('a');
      await world.abandon('one', 1);
      const reader = await world.reader('two');
      await pending.claim(stream, group, { consumer: 'two', minIdleMs: 0, ids });
      const [lease] = await reader.take(1);
      expect(lease).toMatchObject({ id: ids[0], charged: false });
    });

    test('an entry whose data is gone is dropped where it is claimed', async () => {
      if (!world.harness.trim) return skip('nothing is trimmed here');
      const ids = await world.publish('a', 'b');
      await world.abandon('one', 2);
      await world.harness.trim(stream, ids[0]!);
      expect(idsOf(await pending.list(stream, group, ALL))).toEqual(ids);
      expect(await world.report()).toMatchObject({ oldestPendingId: ids[0] });
      const to = { consumer: 'two', minIdleMs: 0, ids };
      expect(await pending.claim(stream, group, to)).toEqual([ids[1]]);
      expect(idsOf(await pending.list(stream, group, ALL))).toEqual([ids[1]]);
    });

    test('is acknowledged, with any owner, once', async () => {
      const ids = await world.publish('a', 'b', 'c');
      await world.abandon('one', 2);
      expect(await pending.acknowledge(stream, group, [])).toBe(0);
      expect(await pending.acknowledge(stream, group, ids)).toBe(2);
      expect(await pending.acknowledge(stream, group, ids)).toBe(0);
      expect(await pending.list(stream, group, ALL)).toEqual([]);
      expect((await world.report()).lag).toBe(1);
    });
  });
}
