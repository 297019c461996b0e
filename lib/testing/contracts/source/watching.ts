import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { release } from '../../../core/settlement.js';
import { IDLE, type SourceWorld } from '../../world/source-world.js';

export function describeWatching({ describe, test }: Tests, world: () => SourceWorld): void {
  describe('watch', () => {
    test('leaves the other streams alone, until they are named again', async () => {
      await world().needKept();
      const [watched, other] = [world().stream, world().harness.unique('other')];
      const reader = await world().reader('A', { streams: [watched, other] });
      reader.subscription.watch(new Set([watched]));
      // What was under way when it was told may bring one more.
      await reader.takeWithin(150);
      const [late] = await world().publishTo(other, 'late');
      const [id] = await world().publish('a');
      expect((await reader.takeOne()).id).toBe(id);
      await reader.expectNothing(300);
      reader.subscription.watch(new Set([watched, other]));
      expect((await reader.takeOne()).id).toBe(late);
    });

    test('of no stream hands out nothing, and what is held stays held', async () => {
      const reader = await world().reader('A', { idleTimeout: IDLE });
      const [id] = await world().publish('a');
      const lease = await reader.takeOne();
      reader.subscription.watch(new Set());
      const peer = await world().reader('B', { idleTimeout: IDLE });
      const fresh = () => reader.extend(lease);
      await peer.expectNothing(3 * IDLE, fresh);
      expect(await reader.extend(lease)).toEqual(['held']);
      await reader.ack(lease);
      expect(lease.id).toBe(id);
    });

    test('takes nothing over from a dead consumer, nor back what was released', async () => {
      await world().needEntries();
      await world().publish('a', 'b');
      await world().abandon('dead', 1);
      const reader = await world().reader('A', { idleTimeout: IDLE });
      const lease = await reader.takeOne();
      reader.subscription.watch(new Set());
      expect(await reader.settle(lease, release)).toBe('settled');
      await reader.expectNothing(3 * IDLE);
      reader.subscription.watch(new Set([world().stream]));
      const attempts = (await reader.take(2)).map(({ attempt }) => attempt);
      expect(new Set(attempts)).toEqual(new Set([0, 1]));
    });
  });
}
