import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { ack, release, retry } from '../../../core/settlement.js';
import { IDLE, valueOf, type SourceWorld } from '../../world/source-world.js';

export function describeRetrying({ describe, test }: Tests, world: () => SourceWorld): void {
  describe('retry, where the engine waits', () => {
    test('keeps the lease, uncharged, and begin charges the next run', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      const reader = await world().reader('A');
      await world().publish('a');
      const lease = await reader.takeOne();
      for (const attempt of [1, 2, 3]) {
        expect(lease).toMatchObject({ charged: true, attempt });
        expect(valueOf(lease)).toBe('a');
        expect(await reader.settle(lease, retry(1000))).toBe('settled');
        expect(lease).toMatchObject({ charged: false, attempt });
        lease.fields = undefined;
        expect(await reader.begin(lease)).toBe('started');
      }
      expect(lease.attempt).toBe(4);
      expect(await reader.settle(lease, ack)).toBe('settled');
    });

    test('is never handed out again while it is parked', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      await world().publish('a');
      const idle = { idleTimeout: IDLE };
      const reader = await world().reader('A', idle);
      const peer = await world().reader('B', idle);
      const lease = await reader.takeOne();
      expect(await reader.settle(lease, retry(0))).toBe('settled');
      await peer.expectNothing(2 * IDLE, async () => {
        expect(await reader.extend(lease)).toEqual(['held']);
      });
      await reader.expectNothing(100);
      expect(await reader.begin(lease)).toBe('started');
    });

    test('can be released while it is parked, which takes back no run', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      await reader.settle(leases[0]!, retry(1000));
      expect(await reader.settle(leases[0]!, release)).toBe('settled');
      const peer = await world().reader('B');
      const lease = await peer.takeOne();
      expect(lease).toMatchObject({ charged: false, attempt: 1 });
    });

    test('goes to another consumer with its count where its owner dies', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      await reader.settle(leases[0]!, retry(1000));
      await reader.start(leases[0]!);
      await reader.settle(leases[0]!, retry(1000));
      const peer = await world().reader('B', { idleTimeout: IDLE });
      const lease = await peer.takeOne();
      expect(lease).toMatchObject({ charged: false, attempt: 2 });
    });
  });

  describe('retry, where the source waits', () => {
    test('hands the entry out again after the delay, as the next attempt', async () => {
      await world().need(({ redelivers }) => redelivers, 'redeliver on its own');
      const reader = await world().reader('A');
      const [id] = await world().publish('a');
      const lease = await reader.takeOne();
      const began = world().harness.now();
      expect(await reader.settle(lease, retry(IDLE))).toBe('settled');
      const again = await reader.takeOne();
      expect(world().harness.now() - began).toBeGreaterThanOrEqual(IDLE);
      if (!again.charged) await reader.start(again);
      expect(again).toMatchObject({ id, attempt: 2 });
    });
  });

  describe('forget', () => {
    test('of a lost lease lets the entry be handed out here again', async () => {
      await world().needEntries();
      const [id] = await world().publish('a');
      const idle = { idleTimeout: IDLE };
      const reader = await world().reader('A', idle);
      const lost = await reader.takeOne();
      await world().abandon('B', 1, idle);
      expect(await reader.extend(lost)).toEqual(['lost']);
      reader.subscription.forget(lost);
      expect((await reader.takeOne()).id).toBe(id);
    });

    test('of one that is left never hands it out here again', async () => {
      await world().needLeaving();
      const reader = await world().reader('A', { idleTimeout: 100 });
      await world().publish('a');
      reader.subscription.forget(await reader.takeOne(), true);
      await reader.expectNothing(500);
    });

    test('of one that is left keeps it pending, for others to take', async () => {
      await world().needLeaving();
      const [id] = await world().publish('a');
      const idle = { idleTimeout: IDLE };
      const reader = await world().reader('A', idle);
      reader.subscription.forget(await reader.takeOne(), true);
      const { leases } = await world().abandon('B', 1, idle);
      expect(leases[0]!.id).toBe(id);
      await reader.expectNothing(2 * IDLE);
    });

    test('of one that is left does not keep it from being acknowledged later', async () => {
      await world().needLeaving();
      const reader = await world().reader('A');
      await world().publish('a');
      const lease = await reader.takeOne();
      reader.subscription.forget(lease, true);
      expect(await reader.settle(lease, ack)).toBe('settled');
      const peer = await world().reader('B', { idleTimeout: 100 });
      await peer.expectNothing(300);
    });

    test('may be said twice', async () => {
      const reader = await world().reader('A');
      await world().publish('a');
      const lease = await reader.takeOne();
      await reader.ack(lease);
      reader.subscription.forget(lease);
      reader.subscription.forget(lease);
      await world().publish('b');
      expect(valueOf(await reader.takeOne())).toBe('b');
    });
  });
}
