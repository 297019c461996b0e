import type { GroupWorld, OfConsumers } from './group-world.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';

export function describeConsumers(
  { describe, test, beforeEach }: Tests,
  current: () => GroupWorld,
): void {
  let world: GroupWorld;
  let groups: OfConsumers;
  let stream: string;
  let group: string;

  describe('consumers', () => {
    beforeEach(async () => {
      world = current();
      ({ stream, group } = world);
      groups = await world.ofConsumers();
    });

    test('what is missing is an error of its type', async () => {
      await expect(groups.consumers(stream, group)).rejects.toThrow(StreamNotFoundError);
      await world.publish('a');
      await expect(groups.consumers(stream, group)).rejects.toThrow(GroupNotFoundError);
    });

    test('answers each with what it holds, and since when it is silent', async () => {
      await world.create();
      expect(await groups.consumers(stream, group)).toEqual([]);
      await world.publish('a', 'b', 'c');
      await world.abandon('one', 2);
      await world.abandon('two', 1);
      await world.harness.elapse(50);
      const found = await groups.consumers(stream, group);
      const holding = found.map(({ name: consumer, pending: holds }) => [consumer, holds]);
      expect(Object.fromEntries(holding)).toEqual({ one: 2, two: 1 });
      for (const { idleMs, inactiveMs } of found) {
        expect(idleMs).toBeGreaterThanOrEqual(40);
        expect(idleMs).toBeLessThan(10_000);
        expect(inactiveMs ?? 40).toBeGreaterThanOrEqual(40);
      }
    });

    test('one is removed only where nothing is pending to it', async () => {
      const pending = await world.pending();
      await expect(groups.removeConsumer(stream, group, 'one')).rejects.toThrow(
        StreamNotFoundError,
      );
      const ids = await world.publish('a', 'b');
      await expect(groups.removeConsumer(stream, group, 'one')).rejects.toThrow(GroupNotFoundError);
      await world.abandon('one', 2);
      expect(await groups.removeConsumer(stream, group, 'one')).toBe(2);
      expect((await world.report()).pending).toBe(2);
      await pending.acknowledge(stream, group, ids);
      expect(await groups.removeConsumer(stream, group, 'one')).toBe(0);
      expect(await groups.consumers(stream, group)).toEqual([]);
      expect(await groups.removeConsumer(stream, group, 'nobody')).toBe(0);
    });
  });
}
