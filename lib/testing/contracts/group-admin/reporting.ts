import type { GroupAdmin } from '../../../ports/group-admin.js';
import type { GroupWorld } from './group-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { ack } from '../../../core/settlement.js';

export function describeReporting(
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

  describe('reports', () => {
    test('answers one report per stream, in order, and undefined where there is none', async () => {
      const other = world.harness.unique('other');
      await world.publish('a');
      await world.publishTo(other, 'a', 'b');
      const found = await groups.describe([other, world.harness.unique('none'), stream]);
      expect(found.map((one) => one?.stream)).toEqual([other, undefined, stream]);
      expect(found.map((one) => one?.length)).toEqual([2, undefined, 1]);
      expect(await groups.describe([])).toEqual([]);
    });

    test('of more streams than are asked for at a time', async () => {
      const streams = Array.from({ length: 120 }, () => world.harness.unique('many'));
      await world.publishTo(streams[110]!, 'a');
      const found = await groups.describe(streams);
      expect(found.map((one) => one !== undefined)).toEqual(streams.map((_, at) => at === 110));
    });

    test('a stream without groups, and an empty one', async () => {
      const ids = await world.publish('a', 'b');
      const [found] = await groups.describe([stream]);
      expect(found).toMatchObject({
        length: 2,
        firstId: ids[0],
        lastId: ids[1],
        groups: [],
        furthestBehind: undefined,
      });
      expect([null, 2]).toContain(found!.entriesAdded);
      const empty = world.harness.unique('empty');
      await groups.create(empty, group, { startId: '0', createStream: true });
      const [report] = await groups.describe([empty]);
      expect(report).toMatchObject({ length: 0, firstId: undefined });
      await world.expectBeginning(report!.lastId);
      expect(report!.groups[0]).toMatchObject({
        ...{ pending: 0, oldestPendingAge: 0 },
        ...{ oldestUndeliveredId: undefined, oldestUndeliveredAge: 0 },
      });
    });

    test('a group from its beginning to its end', async () => {
      const ids = await world.publish('a', 'b', 'c');
      await world.create();
      expect(await world.report()).toMatchObject({
        name: group,
        pending: 0,
        lag: 3,
        oldestPendingId: undefined,
        oldestUndeliveredId: ids[0],
      });
      expect([null, 0]).toContain((await world.report()).consumers);
      await world.expectBeginning((await world.report()).lastDeliveredId);
      const reader = await world.reader('one');
      const leases = await reader.take(2);
      await world.reader('two');
      expect(await world.report()).toMatchObject({
        pending: 2,
        lastDeliveredId: ids[1],
        lag: 1,
        oldestPendingId: ids[0],
        oldestUndeliveredId: ids[2],
      });
      expect([null, 2]).toContain((await world.report()).entriesRead);
      await world.harness.elapse(20);
      const { oldestPendingAge, oldestUndeliveredAge } = await world.report();
      expect(oldestPendingAge).toBeGreaterThanOrEqual(20);
      expect(oldestPendingAge).toBeLessThan(5000);
      expect(oldestUndeliveredAge).toBeGreaterThanOrEqual(20);
      await (await world.source()).settle([{ lease: leases[0]!, settlement: ack }]);
      await world.expectReport({ pending: 1, oldestPendingId: ids[1] });
      const furthest = async () => (await groups.describe([stream]))[0]!.furthestBehind;
      expect(await furthest()).toEqual({ name: group, by: 'pending', needs: ids[1] });
      await groups.create(stream, 'behind', { startId: '0', createStream: false });
      expect(await furthest()).toMatchObject({ name: 'behind', by: 'undelivered' });
    });

    test('what the server does not know is null, and never a number', async () => {
      const ids = await world.publish('a', 'b', 'c');
      await world.create(ids[0]);
      const { entriesRead, lag } = await world.report();
      expect([null, 1]).toContain(entriesRead);
      expect([null, 2]).toContain(lag);
    });
  });
}
