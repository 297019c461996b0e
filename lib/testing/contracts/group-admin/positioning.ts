import type { GroupAdmin } from '../../../ports/group-admin.js';
import { type GroupWorld, ALL, idsOf } from './group-world.js';
import { expect } from '../../running/expect.js';
import { skip } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import {
  GroupHasPendingError,
  GroupNotFoundError,
  StreamNotFoundError,
} from '../../../core/errors/group.errors.js';
import { ack } from '../../../core/settlement.js';

export function describePositioning(
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

  describe('setPosition', () => {
    test('what is missing is an error of its type', async () => {
      await expect(groups.setPosition(stream, group, '0')).rejects.toThrow(StreamNotFoundError);
      await world.publish('a');
      await expect(groups.setPosition(stream, group, '0')).rejects.toThrow(GroupNotFoundError);
    });

    for (const [id, from] of [
      ['0', 0],
      ['$', 3],
      ['an id', 1],
    ] as const) {
      test(`to ${id}: is read on from there`, async () => {
        const ids = await world.publish('a', 'b', 'c');
        await world.create(ids[1]);
        await groups.setPosition(stream, group, id === 'an id' ? ids[0]! : id);
        const { lastDeliveredId } = await world.report();
        if (from === 0) await world.expectBeginning(lastDeliveredId);
        else expect(lastDeliveredId).toBe(ids[from - 1]);
        const [later] = await world.publish('d');
        const reader = await world.reader('one');
        const wanted = [...ids.slice(from), later];
        expect(idsOf(await reader.take(wanted.length))).toEqual(wanted);
      });
    }

    test('to a time: is read on with the first entry of that time or later', async () => {
      const { technology } = (await world.source()).capabilities;
      if (!groups.setPositionAt) return skip(`${technology} cannot move a group to a time`);
      await expect(groups.setPositionAt(stream, group, 0)).rejects.toThrow(StreamNotFoundError);
      const ids: string[] = [];
      for (const payload of ['a', 'b', 'c']) {
        ids.push(...(await world.publish(payload)));
        await world.harness.elapse(20);
      }
      await expect(groups.setPositionAt(stream, group, 0)).rejects.toThrow(GroupNotFoundError);
      const other = await world.reader('other', { group: world.harness.unique('group') });
      const [, second] = await other.take(3);
      await world.create('$');
      for (const [time, from] of [
        [0, 0],
        [second!.publishedAt, 1],
        [second!.publishedAt + 1, 2],
        [second!.publishedAt + 3_600_000, 3],
      ] as const) {
        await groups.setPositionAt(stream, group, time);
        expect((await world.report()).oldestUndeliveredId).toBe(ids[from]);
      }
      await groups.setPositionAt(stream, group, second!.publishedAt);
      const [later] = await world.publish('d');
      const reader = await world.reader('one');
      expect(idsOf(await reader.take(3))).toEqual([ids[1], ids[2], later]);
    });

    test('back: running consumers read again, and what they hold is not started twice', async () => {
      const pending = await world.pending();
      const ids = await world.publish('a', 'b');
      const reader = await world.reader('one');
      const leases = await reader.take(2);
      await (await world.source()).settle([{ lease: leases[0]!, settlement: ack }]);
      await groups.setPosition(stream, group, '0');
      expect(await world.report()).toMatchObject({
        pending: 1,
        lag: 2,
        oldestUndeliveredId: ids[0],
      });
      const [again] = await reader.take(1);
      expect(again!.id).toBe(ids[0]);
      await reader.expectNothing(150);
      expect((await world.report()).oldestUndeliveredId).toBeUndefined();
      expect(idsOf(await pending.list(stream, group, ALL))).toEqual(ids);
      await (
        await world.source()
      ).settle([
        { lease: leases[1]!, settlement: ack },
        { lease: again!, settlement: ack },
      ]);
      expect((await world.report()).pending).toBe(0);
    });

    test('back, where the server forgets what is pending: what consumers hold is not started twice', async () => {
      await world.needNoPending();
      const ids = await world.publish('a', 'b');
      const reader = await world.reader('one');
      const leases = await reader.take(2);
      await reader.ack(leases[0]!);
      await groups.setPosition(stream, group, '0');
      const [again] = await reader.take(1);
      expect(again!.id).toBe(ids[0]);
      await reader.expectNothing(150);
      await reader.ack(leases[1]!, again!);
      await world.expectReport({ pending: 0, lag: 0 });
    });

    test('forward beyond a pending entry: stays pending, or is refused where the server would forget that entry', async () => {
      await world.needNoPending();
      const ids = await world.publish('a', 'b', 'c');
      const reader = await world.reader('one');
      const leases = await reader.take(2);
      await reader.ack(leases[0]!);
      await world.expectReport({ pending: 1, oldestPendingId: ids[1] });
      const error: unknown = await groups.setPosition(stream, group, '$').then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error !== undefined) {
        expect(error).toBeInstanceOf(GroupHasPendingError);
        expect(error).toMatchObject({ code: 'GROUP_HAS_PENDING', pending: 1, settledUpTo: ids[0] });
      }
      expect(await world.report()).toMatchObject({ pending: 1, oldestPendingId: ids[1] });
      await reader.ack(leases[1]!);
      await world.expectReport({ pending: 0 });
      await groups.setPosition(stream, group, '$');
      expect((await world.report()).lag).toBe(0);
    });
  });
}
