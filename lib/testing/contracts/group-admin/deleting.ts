import type { GroupAdmin } from '../../../ports/group-admin.js';
import { type GroupWorld, ALL, idsOf } from './group-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { GroupNotFoundError } from '../../../core/errors/group.errors.js';
import { ack, release, retry } from '../../../core/settlement.js';

export function describeDeleting(
  { describe, test, beforeEach }: Tests,
  current: () => GroupWorld,
): void {
  let world: GroupWorld;
  let groups: GroupAdmin;
  let stream: string;
  let group: string;

  beforeEach(() => {
    world = current();
    ({ groups, stream, group } = world);
  });

  describe('delete', () => {
    test('true where there was one, false where not', async () => {
      expect(await groups.delete(stream, group)).toBe(false);
      await world.create();
      expect(await groups.delete(stream, group)).toBe(true);
      expect(await groups.delete(stream, group)).toBe(false);
      expect(await world.names()).toEqual([]);
    });

    test('of many at the same moment, one answers true', async () => {
      await world.create();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => groups.delete(stream, group)),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    test('takes what is pending with it, and leaves other groups as they are', async () => {
      const other = world.harness.unique('group');
      const ids = await world.publish('a', 'b');
      await world.abandon('one', 2);
      await world.abandon('one', 1, { group: other });
      await groups.delete(stream, group);
      expect(await world.names()).toEqual([other]);
      const { pending } = await world.driver();
      if (pending) {
        await expect(pending.list(stream, group, ALL)).rejects.toThrow(GroupNotFoundError);
        expect(idsOf(await pending.list(stream, other, ALL))).toEqual([ids[0]]);
      }
      expect(await world.report(other)).toMatchObject({ pending: 1, oldestPendingId: ids[0] });
      await world.create();
      const report = await world.report();
      expect(report.pending).toBe(0);
      // One that died before may be known until its session is over.
      await world.expectReport({ consumers: report.consumers === null ? null : 0 });
      await world.expectBeginning(report.lastDeliveredId);
    });

    test('no consumer that runs creates it again; each tells, and reads on once it is created', async () => {
      const unreadable = world.record('stream-unreadable');
      const recreated = world.record('group-recreated');
      const [one, two] = [await world.reader('one'), await world.reader('two')];
      const [first] = await world.publish('a');
      // One of them has the partition, where entries are held by the partition.
      for (let taken = 0; taken === 0;) {
        for (const reader of [one, two]) {
          taken += (await reader.until(reader.subscription.pull(1))).length;
        }
      }
      await groups.delete(stream, group);
      const nothing = (ms: number) => Promise.all([one, two].map((r) => r.expectNothing(ms)));
      const told = async () => {
        while (unreadable.length < 2) await nothing(50);
      };
      // The owner of a partition reads on until it looks.
      if ((await world.source()).capabilities.holds === 'partition') await told();
      const [second] = await world.publish('b');
      await told();
      for (const { error, consumer, ...where } of unreadable) {
        expect(where).toEqual({ stream, group });
        if (consumer !== undefined) expect(['one', 'two']).toContain(consumer);
        expect(error).toBeInstanceOf(GroupNotFoundError);
        expect(error.message).toContain('createGroup');
      }
      // Several looks, which would create a group that was lost.
      await nothing(300);
      expect(await world.names()).toEqual([]);
      expect(unreadable).toHaveLength(2);
      await two.subscription.stop();
      await world.create(first);
      expect(idsOf(await one.take(1))).toEqual([second]);
      expect(recreated).toEqual([]);
      expect(unreadable).toHaveLength(2);
    });

    test('no consumer that starts creates it, either', async () => {
      const unreadable = world.record('stream-unreadable');
      await world.publish('a');
      await world.create();
      await groups.delete(stream, group);
      const reader = await world.reader('late');
      await reader.expectNothing(100);
      expect(unreadable).toHaveLength(1);
      expect(await world.names()).toEqual([]);
      await world.create();
      await reader.take(1);
    });

    test('what its consumers still hold settles as gone, or is done', async () => {
      await world.publish('a', 'b', 'c');
      const reader = await world.reader('one');
      const [first, second, third] = await reader.take(3);
      await groups.delete(stream, group);
      const outcomes = await (
        await world.source()
      ).settle([
        { lease: first!, settlement: ack },
        { lease: second!, settlement: retry(0) },
        { lease: third!, settlement: release },
      ]);
      expect(outcomes).toEqual(['settled', 'gone', 'gone']);
    });
  });
}
