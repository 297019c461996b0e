import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import { retry } from '../../../core/settlement.js';
import { IDLE, NEVER, recordFor, valueOf } from '../../world/source-world.js';
import type { LiveWorld } from './live-world.js';

export function describeHandingOver({ describe, test }: Tests, world: () => LiveWorld): void {
  const idle = { idleTimeout: IDLE };

  describe('an entry that is handed over', () => {
    test('is pulled by its receiver, and its run there is the first one', async () => {
      const sender = await world().sender();
      const receiver = await world().join('B', { events: ['b.*'] });
      const reader = await world().reader('B');
      await sender.hand(receiver);
      const lease = await reader.takeOne();
      const [sent] = sender.leases;
      expect(lease).toMatchObject({ id: sent!.id, attempt: 0, charged: false });
      expect(valueOf(lease)).toBe('0');
      expect(await reader.begin(lease)).toBe('started');
      expect(lease).toMatchObject({ attempt: 1, charged: true });
      await reader.ack(lease);
      expect(await sender.reader.settle(sent!, retry(0))).toBe('gone');
    });

    test('is not its sender’s any more', async () => {
      const sender = await world().sender();
      await sender.hand(await world().join('B'));
      expect(await sender.reader.extend(...sender.leases)).toEqual(['lost']);
      expect(await sender.handOver(await world().join('C'))).toEqual(['lost']);
      await sender.reader.expectNothing(200);
    });

    test('keeps the runs that were counted before', async () => {
      await world().need(world().countsAttempts, 'count attempts');
      const sender = await world().sender();
      const receiver = await world().join('B');
      const reader = await world().reader('B');
      expect(await sender.reader.settle(sender.leases[0]!, retry(0))).toBe('settled');
      await sender.hand(receiver);
      const lease = await reader.takeOne();
      expect(lease).toMatchObject({ attempt: 1, charged: false });
      await reader.start(lease);
      expect(lease.attempt).toBe(2);
    });

    test('is had though the receiver begins to read later', async () => {
      const sender = await world().sender(3);
      await sender.hand(await world().join('B'));
      const reader = await world().reader('B');
      expect(await reader.take(3)).toHaveLength(3);
    });

    test('comes with many others, as many at a time as are asked for', async () => {
      const sender = await world().sender(60);
      const receiver = await world().join('B');
      const reader = await world().reader('B');
      await sender.hand(receiver);
      const ids = new Set<string>();
      while (ids.size < 60) {
        const pulled = await reader.until(reader.subscription.pull(7));
        expect(pulled.length).toBeLessThanOrEqual(7);
        for (const { id } of pulled) ids.add(id);
        await reader.ack(...pulled);
      }
      await reader.expectNothing(200);
    });

    test('is found by a consumer that restarts under the receiver’s name', async () => {
      const sender = await world().sender(3);
      const receiver = await world().join('B');
      await sender.hand(receiver);
      await receiver.membership.leave();
      await world().join('B');
      const reader = await world().reader('B');
      expect(await reader.take(3)).toHaveLength(3);
    });

    test('may be one that was redriven', async () => {
      port(await world().driver(), 'deadLetters');
      const sender = await world().sender();
      const [lease] = sender.leases;
      const record = recordFor(lease!, world().group, 'A');
      expect(await sender.reader.deadLetter(lease!, record)).toBe('settled');
      await port(await world().driver(), 'deadLetters').redrive(world().stream, { all: true });
      const redriven = await sender.reader.takeOne();
      const receiver = await world().join('B');
      expect(await sender.handOver(receiver, { leases: [redriven] })).toEqual(['handed']);
      const reader = await world().reader('B');
      const received = await reader.takeOne();
      expect(received).toMatchObject({ id: lease!.id, attempt: 0, redriven: true });
      await reader.start(received);
      await reader.ack(received);
      await reader.expectNothing(200);
      await sender.reader.expectNothing(200);
    });
  });

  describe('an entry that waits for its receiver', () => {
    test('is not taken over while the receiver lives, and is once it is dead', async () => {
      const sender = await world().sender(3);
      const receiver = await world().join('B', { timeToLive: 2 * IDLE });
      await sender.hand(receiver);
      const peer = await world().reader('C', idle);
      await peer.expectNothing(3 * IDLE, () => receiver.membership.refresh());
      const taken = await peer.take(3);
      expect(taken.map(({ attempt, charged }) => [attempt, charged])).toEqual([
        [0, false],
        [0, false],
        [0, false],
      ]);
    });

    test('is taken over when the receiver has left', async () => {
      const sender = await world().sender();
      const receiver = await world().join('B');
      await sender.hand(receiver);
      const peer = await world().reader('C', idle);
      await peer.expectNothing(2 * IDLE);
      await receiver.membership.leave();
      await peer.takeOne();
    });

    test('does not count as waiting any more once another has it', async () => {
      const sender = await world().sender(3);
      const receiver = await world().join('B', { timeToLive: IDLE });
      expect(await sender.handOver(receiver, { maxWaiting: 3 })).toHaveLength(3);
      const peer = await world().reader('C', idle);
      const taken = await peer.take(3);
      await world().join('B');
      const again = await world().join('C');
      const entries = taken.map((lease) => ({ lease, eventType: 'b.made' }));
      const found = (await world().member('B'))!;
      const outcomes = await again.membership.handOver(entries, found, 3);
      expect(outcomes).toEqual(['handed', 'handed', 'handed']);
    });

    test('is given back at once when the receiver closes', async () => {
      const sender = await world().sender(30);
      const receiver = await world().join('B');
      const reader = await world().reader('B', { reclaimInterval: NEVER });
      await sender.hand(receiver);
      await sender.reader.subscription.stop();
      await receiver.change('closing');
      await reader.subscription.close();
      const peer = await world().reader('C', { idleTimeout: NEVER });
      const taken = await peer.take(30);
      expect(new Set(taken.map(({ attempt }) => attempt))).toEqual(new Set([0]));
    });

    test('is given back at once when the receiver leaves its stream alone', async () => {
      const sender = await world().sender(30);
      const receiver = await world().join('B');
      const reader = await world().reader('B');
      await sender.hand(receiver);
      await sender.reader.subscription.stop();
      await receiver.change('paused');
      reader.subscription.watch(new Set());
      const peer = await world().reader('C', { idleTimeout: NEVER });
      expect(await peer.take(30)).toHaveLength(30);
    });
  });
}
