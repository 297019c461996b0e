import type { GroupAdmin } from '../../../ports/group-admin.js';
import { type GroupWorld, idsOf } from './group-world.js';
import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import { StreamNotFoundError } from '../../../core/errors/group.errors.js';

export function describeCreating(
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

  describe('create', () => {
    test('true where this call created it, false where it existed', async () => {
      expect(await world.create()).toBe(true);
      expect(await world.create()).toBe(false);
      expect(await world.create('$')).toBe(false);
      await world.expectBeginning((await world.report()).lastDeliveredId);
    });

    test('of many at the same moment, one answers true', async () => {
      const others = await Promise.all(Array.from({ length: 4 }, () => world.open()));
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          port(others[index % 4]!, 'groups').create(stream, group, {
            startId: '0',
            createStream: true,
          }),
        ),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    test('without createStream, a stream that is missing is an error, and stays missing', async () => {
      const error: unknown = await world.create('0', false).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StreamNotFoundError);
      expect(error).toMatchObject({ code: 'STREAM_NOT_FOUND', stream });
      expect(await groups.describe([stream])).toEqual([undefined]);
      await world.publish('a');
      expect(await world.create('0', false)).toBe(true);
    });

    for (const [startId, expected] of [
      ['0', (ids: string[]) => ids],
      ['$', () => []],
      ['an id', (ids: string[]) => ids.slice(1)],
    ] as const) {
      test(`begins behind ${startId}`, async () => {
        const ids = await world.publish('a', 'b', 'c');
        await world.create(startId === 'an id' ? ids[0] : startId);
        const reader = await world.reader('one');
        const [later] = await world.publish('d');
        const wanted = [...expected(ids), later];
        expect(idsOf(await reader.take(wanted.length))).toEqual(wanted);
      });
    }
  });
}
