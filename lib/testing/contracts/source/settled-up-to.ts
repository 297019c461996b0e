import { port } from '../../running/skipped.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { release, retry } from '../../../core/settlement.js';
import { recordFor, type SourceWorld } from '../../world/source-world.js';

export function describeSettledUpTo({ describe, test }: Tests, world: () => SourceWorld): void {
  /** Asks how far the group has come. */
  async function ask(group = world().group): Promise<string | undefined> {
    await world().need((_, { source }) => source.settledUpTo !== undefined, 'tell what is settled');
    return (await world().source()).settledUpTo!(world().stream, group);
  }

  /** Expects that everything up to `last` is settled, and nothing from `next` on. */
  async function expectBetween(last: string | undefined, next: string | undefined, group?: string) {
    const upTo = await ask(group);
    const { ids } = await world().driver();
    if (last === undefined && upTo === undefined) return;
    expect(ids.accepts(upTo!)).toBe(true);
    if (last !== undefined) expect(ids.compare(upTo!, last)).toBeGreaterThanOrEqual(0);
    if (next !== undefined) expect(ids.compare(next, upTo!)).toBeGreaterThanOrEqual(1);
  }

  describe('what a group has settled', () => {
    test('is nothing before there is the group, which is not created', async () => {
      await world().publish('a');
      expect(await ask()).toBe(undefined);
      const reader = await world().reader('A', { startId: '$' });
      await reader.expectNothing(100);
    });

    test('is nothing while nothing was read, and nothing while nothing is settled', async () => {
      const [first] = await world().publish('a', 'b');
      const reader = await world().reader('A');
      await expectBetween(undefined, first);
      await reader.take(2);
      await expectBetween(undefined, first);
    });

    test('rises with settlements, and not above the last entry that was handed out', async () => {
      const ids = await world().publish('a', 'b', 'c');
      const reader = await world().reader('A');
      await reader.ack(await reader.takeOne());
      await expectBetween(ids[0], ids[1]);
      await reader.ack(await reader.takeOne());
      await expectBetween(ids[1], ids[2]);
      await reader.ack(await reader.takeOne());
      await expectBetween(ids[2], undefined);
      await expectBetween(ids[2], (await world().publish('d'))[0]);
    });

    test('stays below an entry that any consumer of the group has', async () => {
      await world().needEntries();
      const ids = await world().publish('a', 'b', 'c');
      const other = await world().reader('A');
      const kept = await other.takeOne();
      const reader = await world().reader('B');
      await reader.ack(...(await reader.take(2)));
      await expectBetween(undefined, ids[0]);
      await other.ack(kept);
      await expectBetween(ids[2], undefined);
    });

    test('stays below an entry that waits for its retry', async () => {
      const ids = await world().publish('a', 'b', 'c');
      const reader = await world().reader('A');
      const [first, second, third] = await reader.take(3);
      await reader.ack(first!, third!);
      await reader.settle(second!, retry(3_600_000));
      await expectBetween(ids[0], ids[1]);
    });

    test('stays below an entry that was released', async () => {
      const ids = await world().publish('a', 'b', 'c');
      const reader = await world().reader('A');
      const [first, second, third] = await reader.take(3);
      await reader.ack(first!, third!);
      await reader.settle(second!, release);
      await expectBetween(ids[0], ids[1]);
    });

    test('has dead letters in it', async () => {
      port(await world().driver(), 'deadLetters');
      const ids = await world().publish('a', 'b');
      const reader = await world().reader('A');
      const lease = await reader.takeOne();
      const record = recordFor(lease, world().group, 'A');
      expect(await reader.deadLetter(lease, record)).toBe('settled');
      await expectBetween(ids[0], ids[1]);
    });

    test('is that of this group alone', async () => {
      const ids = await world().publish('a');
      const reader = await world().reader('A');
      const group = world().harness.unique('other');
      const other = await world().reader('A', { group });
      await other.takeOne();
      await reader.ack(await reader.takeOne());
      await expectBetween(ids[0], undefined);
      await expectBetween(undefined, ids[0], group);
    });

    test('begins with what the group was told to skip', async () => {
      const ids = await world().publish('a', 'b');
      const reader = await world().reader('A', { startId: ids[0]! });
      await expectBetween(ids[0], ids[1]);
      await reader.ack(await reader.takeOne());
      await expectBetween(ids[1], undefined);
    });
  });
}
