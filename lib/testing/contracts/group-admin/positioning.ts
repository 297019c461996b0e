import type { GroupAdmin, PendingEntries } from '../../../ports/group-admin.js';
import { type GroupWorld, ALL, idsOf } from './group-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import { ack } from '../../../core/settlement.js';

export function describePositioning(
  { describe, test, beforeEach }: Tests,
  current: () => GroupWorld,
): void {
  let world: GroupWorld;
  let groups: GroupAdmin;
  let pending: PendingEntries;
  let stream: string;
  let group: string;

  beforeEach(() => {
    world = current();
    ({ groups, pending, stream, group } = world);
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

    test('back: running consumers read again, and what they hold is not started twice', async () => {
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
  });
}
