import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import type { Lease } from '../../../core/lease.js';
import { ack, release } from '../../../core/settlement.js';
import { entry, IDLE, NEVER, valueOf, type SourceWorld } from '../../world/source-world.js';

export function describePulling({ describe, test }: Tests, world: () => SourceWorld): void {
  describe('pull', () => {
    test('hands out a new entry charged with its first run', async () => {
      const reader = await world().reader('A');
      const [id] = await world().publish('a');
      const lease = await reader.takeOne();
      expect(lease).toMatchObject({ stream: world().stream, id, attempt: 1, charged: true });
      expect(valueOf(lease)).toBe('a');
      expect(lease.redriven ?? false).toBe(false);
    });

    test('never hands out more than the limit', async () => {
      const { subscription } = await world().reader('A');
      await world().publish('a', 'b', 'c', 'd', 'e');
      const first = await subscription.pull(2);
      const second = await subscription.pull(1);
      expect(first.length).toBeLessThanOrEqual(2);
      expect(second.length).toBeLessThanOrEqual(1);
      expect([...first, ...second].map(valueOf)).toEqual(
        ['a', 'b', 'c'].slice(0, first.length + second.length),
      );
    });

    test('respects the limit over several streams together', async () => {
      const streams = [world().stream, world().harness.unique('second')];
      const reader = await world().reader('A', { streams });
      for (const stream of streams) await world().publishTo(stream, 'a', 'b', 'c');
      const leases: Lease[] = [];
      while (leases.length < 6) {
        const batch = await reader.until(reader.subscription.pull(2));
        expect(batch.length).toBeLessThanOrEqual(2);
        leases.push(...batch);
      }
      for (const stream of streams) {
        const values = leases.filter((lease) => lease.stream === stream).map(valueOf);
        expect(values).toEqual(['a', 'b', 'c']);
      }
    });

    test('answers as soon as there is an entry', async () => {
      const blockTimeout = 8000;
      const reader = await world().reader('A', { blockTimeout });
      const began = world().harness.now();
      const pulling = reader.subscription.pull(10);
      await world().harness.elapse(50);
      const [id] = await world().publish('a');
      const leases = await reader.until(pulling);
      expect(leases.map((lease) => lease.id)).toEqual([id]);
      expect(world().harness.now() - began).toBeLessThan(blockTimeout / 2);
    });

    test('answers nothing when nothing came for blockTimeout, and not before', async () => {
      const reader = await world().reader('A', { blockTimeout: 300 });
      const began = world().harness.now();
      expect(await reader.until(reader.subscription.pull(10))).toEqual([]);
      const waited = world().harness.now() - began;
      expect(waited).toBeGreaterThanOrEqual(250);
      expect(waited).toBeLessThan(5000);
    });

    test('goes on after an answer of nothing', async () => {
      const reader = await world().reader('A');
      expect(await reader.until(reader.subscription.pull(10))).toEqual([]);
      const [id] = await world().publish('a');
      expect((await reader.takeOne()).id).toBe(id);
    });

    test('never hands out what this subscription still holds, however long', async () => {
      const reader = await world().reader('A', { idleTimeout: 100 });
      await world().publish('a', 'b');
      const [first] = await reader.take(2);
      await reader.ack(first!);
      await reader.expectNothing(500);
    });

    test('works while leases are settled, extended and published', async () => {
      const total = 300;
      const reader = await world().reader('A', { idleTimeout: NEVER });
      const seen: string[] = [];
      const publishing = (async () => {
        for (let at = 0; at < total; at += 10) {
          await world().publish(...Array.from({ length: 10 }, (_, index) => `v${at + index}`));
        }
      })();
      const settling: Promise<unknown>[] = [];
      while (seen.length < total) {
        const leases = await reader.until(reader.subscription.pull(7));
        seen.push(...leases.map((lease) => valueOf(lease)!));
        settling.push(reader.extend(...leases).then(() => reader.ack(...leases)));
      }
      await Promise.all([publishing, ...settling]);
      expect(seen).toEqual(Array.from({ length: total }, (_, index) => `v${index}`));
      await reader.expectNothing(100);
    });
  });

  describe('where a group begins', () => {
    test("'0': at the first entry", async () => {
      await world().needKept();
      await world().publish('a', 'b');
      const reader = await world().reader('A', { startId: '0' });
      expect((await reader.take(2)).map(valueOf)).toEqual(['a', 'b']);
    });

    test("'$': at the next entry", async () => {
      const source = await world().source();
      await source.publish(
        ['a', 'b'].map((value) => ({ stream: world().stream, fields: entry(value) })),
      );
      const reader = await world().reader('A', { startId: '$' });
      await world().publish('c');
      expect(valueOf(await reader.takeOne())).toBe('c');
      await reader.expectNothing(100);
    });

    test('an id: behind that entry', async () => {
      const [, second] = await world().publish('a', 'b', 'c');
      const reader = await world().reader('A', { startId: second! });
      expect(valueOf(await reader.takeOne())).toBe('c');
    });

    test('a stream that does not exist yet is waited for', async () => {
      const reader = await world().reader('A');
      await reader.expectNothing(100);
      await world().publish('a');
      expect(valueOf(await reader.takeOne())).toBe('a');
    });

    test('a group that exists goes on where it was', async () => {
      await world().needKept();
      await world().publish('a', 'b');
      const first = await world().reader('A');
      await first.ack(await first.takeOne());
      await first.subscription.stop();
      await first.subscription.close();
      const second = await world().reader('B', { startId: '$' });
      expect(valueOf(await second.takeOne())).toBe('b');
      await second.expectNothing(100);
    });

    test('subscribing rejects where it can never succeed', async () => {
      const startId = 'no id';
      await expect(world().reader('A', { startId }), `subscribe from ${startId}`).rejects.toThrow();
    });
  });

  describe('stop', () => {
    test('wakes a waiting pull', async () => {
      const { subscription } = await world().reader('A', { blockTimeout: 8000 });
      const began = world().harness.now();
      const pulling = subscription.pull(10);
      await world().harness.elapse(50);
      await subscription.stop();
      expect(await pulling).toEqual([]);
      expect(world().harness.now() - began).toBeLessThan(4000);
    });

    test('hands out nothing new afterwards', async () => {
      await world().needEntries();
      await world().needKept();
      const { subscription } = await world().reader('A', { blockTimeout: 8000 });
      await subscription.stop();
      await world().publish('a');
      expect(await subscription.pull(10)).toEqual([]);
      const peer = await world().reader('B');
      expect(valueOf(await peer.takeOne()), 'it is left to others').toBe('a');
    });

    test('what is held can still be extended, begun and settled', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      const reader = await world().reader('A');
      await world().publish('a', 'b', 'c');
      const [first, second, third] = await reader.take(3);
      expect(await reader.settle(second!, { kind: 'retry', delay: 0 })).toBe('settled');
      await reader.subscription.stop();
      expect(await reader.extend(first!)).toEqual(['held']);
      expect(await reader.begin(second!)).toBe('started');
      expect(await reader.settle(first!, ack)).toBe('settled');
      expect(await reader.settle(second!, ack)).toBe('settled');
      expect(await reader.settle(third!, release)).toBe('settled');
    });
  });

  describe('close', () => {
    test('may be called twice, and without stop', async () => {
      const reader = await world().reader('A');
      await reader.subscription.close();
      await reader.subscription.close();
      await reader.subscription.stop();
    });

    test('lets others have what was still held', async () => {
      await world().needHandedOn();
      const reader = await world().reader('A', { idleTimeout: IDLE });
      await world().publish('a');
      await reader.takeOne();
      await reader.subscription.close();
      const peer = await world().reader('B', { idleTimeout: IDLE });
      expect(await peer.begin(await peer.takeOne())).toBe('started');
    });

    test('of the source is idempotent', async () => {
      const { source } = await world().open();
      await source.close();
      await source.close();
    });

    test('of one connection leaves the others alone', async () => {
      const other = await world().open();
      const reader = await world().reader('A');
      await other.source.close();
      await world().publish('a');
      expect(valueOf(await reader.takeOne())).toBe('a');
    });
  });
}
