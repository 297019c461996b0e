import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import type { Lease } from '../../../core/lease.js';
import { ack } from '../../../core/settlement.js';
import type { Reader } from '../../world/reader.js';
import {
  fencedSettlings,
  fitFor,
  IDLE,
  kindOf,
  type SourceWorld,
} from '../../world/source-world.js';

export function describeFencing({ describe, test }: Tests, world: () => SourceWorld): void {
  /** A read the entry, was silent too long, and B runs it now. */
  async function takenOver() {
    await world().publish('a');
    const { reader: loser, leases } = await world().abandon('A', 1);
    const winner = await world().reader('B', { idleTimeout: IDLE });
    const lease = await winner.start(await winner.takeOne());
    return { loser, lost: leases[0]!, winner, lease };
  }

  /** Nothing but a plain ack may come of this lease. */
  async function expectLost(reader: Reader, lost: Lease): Promise<void> {
    const follower = world().harness.unique('follower');
    const settlings = fencedSettlings(lost, world().group, follower);
    for (const settling of fitFor(await world().driver(), settlings)) {
      const [outcome] = await reader.source.settle([settling]);
      expect([kindOf(settling), outcome]).toEqual([kindOf(settling), 'lost']);
    }
    expect(await reader.extend(lost)).toEqual(['lost']);
    await (await world().reader('F', { streams: [follower] })).expectNothing(100);
    const { deadLetters } = await world().driver();
    if (deadLetters) expect(await world().deadLetters()).toEqual([]);
  }

  describe('an entry that another consumer runs now', () => {
    test('is lost to its first owner', async () => {
      const { loser, lost } = await takenOver();
      await expectLost(loser, lost);
    });

    test('is not touched by what its first owner says', async () => {
      const { loser, lost, winner, lease } = await takenOver();
      await expectLost(loser, lost);
      expect(await winner.extend(lease)).toEqual(['held']);
      expect(await winner.settle(lease, ack)).toBe('settled');
    });

    test('cannot be begun by its first owner', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      expect(await reader.settle(leases[0]!, { kind: 'retry', delay: 0 })).toBe('settled');
      const winner = await world().reader('B', { idleTimeout: IDLE });
      await winner.takeOne();
      expect(await reader.begin(leases[0]!)).toBe('lost');
    });

    test('is settled by a plain ack of its first owner: the work is done', async () => {
      await world().needEntries();
      const { loser, lost, winner, lease } = await takenOver();
      expect(await loser.settle(lost, ack)).toBe('settled');
      expect(await winner.extend(lease)).toEqual(['gone']);
      expect(await winner.settle(lease, ack)).toBe('settled');
    });
  });

  test('a run is lost to a later run of the same consumer', async () => {
    await world().publish('a');
    const idle = { idleTimeout: IDLE };
    const { reader: first, leases } = await world().abandon('A', 1);
    const { reader: second, leases: taken } = await world().abandon('B', 1, idle);
    await second.start(taken[0]!);
    const again = await world().reader('A', idle);
    const lease = await again.start(await again.takeOne());
    await expectLost(first, leases[0]!);
    expect(await again.settle(lease, ack)).toBe('settled');
  });

  test('one process that lost an entry and has it back tells its runs apart', async () => {
    await world().needEntries();
    await world().publish('a');
    const idle = { idleTimeout: IDLE };
    const reader = await world().reader('A', idle);
    const lost = await reader.takeOne();
    const { reader: second, leases } = await world().abandon('B', 1, idle);
    await second.start(leases[0]!);
    expect(await reader.extend(lost)).toEqual(['lost']);
    reader.subscription.forget(lost);
    const lease = await reader.start(await reader.takeOne());
    await expectLost(reader, lost);
    reader.subscription.forget(lost);
    await reader.expectNothing(200);
    expect(await reader.extend(lease)).toEqual(['held']);
    expect(await reader.settle(lease, ack)).toBe('settled');
  });

  test('a taken entry that was meanwhile acknowledged cannot be begun', async () => {
    await world().needEntries();
    await world().publish('a');
    const { reader: first, leases } = await world().abandon('A', 1);
    const second = await world().reader('B', { idleTimeout: IDLE });
    const lease = await second.takeOne();
    await first.ack(leases[0]!);
    expect(await second.begin(lease)).toBe('gone');
  });
}
