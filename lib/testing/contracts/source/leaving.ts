import { port } from '../../running/skipped.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { leave } from '../../../core/settlement.js';
import { IDLE, type SourceWorld } from '../../world/source-world.js';

export function describeLeaving({ describe, test }: Tests, world: () => SourceWorld): void {
  describe('leave', () => {
    test('keeps the entry pending, uncharged, and not for this subscription', async () => {
      await world().needLeaving();
      const pending = port(await world().driver(), 'pending');
      const [id] = await world().publish('a');
      const reader = await world().reader('A');
      const lease = await reader.takeOne();
      expect(await reader.settle(lease, leave)).toBe('settled');
      reader.subscription.forget(lease, true);
      await reader.expectNothing(300);
      const entries = await pending.list(world().stream, world().group, { count: 10 });
      expect(entries).toMatchObject([{ id, consumer: 'A', delivered: 0 }]);
    });

    test('counts its age from then on, after which another consumer has it', async () => {
      await world().needLeaving();
      const [id] = await world().publish('a');
      const reader = await world().reader('A', { idleTimeout: IDLE });
      const lease = await reader.takeOne();
      await reader.settle(lease, leave);
      reader.subscription.forget(lease, true);
      const left = world().harness.now();
      const peer = await world().reader('B', { idleTimeout: IDLE });
      const taken = await peer.takeOne();
      expect(taken).toMatchObject({ id, charged: false, attempt: 0 });
      expect(world().harness.now() - left).toBeGreaterThanOrEqual(IDLE - 50);
    });

    test('of what another has is refused', async () => {
      await world().needLeaving();
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1, { idleTimeout: IDLE });
      const peer = await world().reader('B', { idleTimeout: IDLE });
      await peer.start(await peer.takeOne());
      expect(await reader.settle(leases[0]!, leave)).toBe('lost');
    });

    test('of what was acknowledged finds nothing', async () => {
      await world().needLeaving();
      await world().publish('a');
      const reader = await world().reader('A');
      const lease = await reader.takeOne();
      await reader.ack(lease);
      expect(await reader.settle(lease, leave)).toBe('gone');
    });
  });
}
