import { port } from '../../running/skipped.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { ack, deadLetter, release } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import { entry, IDLE, recordFor, valueOf, type SourceWorld } from '../../world/source-world.js';

export function describeSettling({ describe, test }: Tests, world: () => SourceWorld): void {
  describe('a batch of settlements', () => {
    test('gets one outcome each, in order', async () => {
      await world().needHandedOn();
      const reader = await world().reader('A');
      await world().publish('acked', 'published', 'released');
      const [acked, published, released] = await reader.take(3);
      const { stream } = world();
      const publish = [{ stream: world().harness.unique('next'), fields: entry('next') }];
      const batch: Settling[] = [
        { lease: released!, settlement: release },
        { lease: acked!, settlement: ack },
        { lease: published!, settlement: { ...ack, publish } },
      ];
      await reader.subscription.stop();
      expect(await reader.source.settle(batch)).toEqual(batch.map(() => 'settled'));
      await reader.subscription.close();
      const peer = await world().reader('B', { streams: [stream] });
      expect(valueOf(await peer.start(await peer.takeOne()))).toBe('released');
      await peer.expectNothing(200);
    });

    test('may have dead letters among others', async () => {
      port(await world().driver(), 'deadLetters');
      await world().needHandedOn();
      const reader = await world().reader('A');
      await world().publish('acked', 'dead', 'released');
      const [acked, dead, released] = await reader.take(3);
      const record = recordFor(dead!, world().group, 'A');
      const batch: Settling[] = [
        { lease: released!, settlement: release },
        { lease: dead!, settlement: deadLetter('x'), record },
        { lease: acked!, settlement: ack },
      ];
      await reader.subscription.stop();
      expect(await reader.source.settle(batch)).toEqual(batch.map(() => 'settled'));
      await reader.subscription.close();
      const peer = await world().reader('B');
      expect(valueOf(await peer.start(await peer.takeOne()))).toBe('released');
      await peer.expectNothing(200);
    });

    test('may be empty', async () => {
      expect(await (await world().source()).settle([])).toEqual([]);
    });

    test('may be large', async () => {
      const values = Array.from({ length: 1200 }, (_, index) => String(index));
      const reader = await world().reader('A', { idleTimeout: IDLE });
      await world().publish(...values);
      await reader.ack(...(await reader.take(1200)));
      const peer = await world().reader('B', { idleTimeout: IDLE });
      await peer.expectNothing(2 * IDLE);
    });
  });

  describe('ack', () => {
    test('settles again and again', async () => {
      const reader = await world().reader('A');
      await world().publish('a');
      const lease = await reader.takeOne();
      await reader.ack(lease);
      await reader.ack(lease);
    });

    test('ends the hold: it cannot be extended or begun any more', async () => {
      const reader = await world().reader('A');
      await world().publish('a');
      const lease = await reader.takeOne();
      await reader.ack(lease);
      expect(await reader.extend(lease)).toEqual(['gone']);
      expect(await reader.begin(lease)).toBe('gone');
    });
  });

  describe('ack with messages to publish', () => {
    test('publishes them in order, each to its stream', async () => {
      const { stream } = world();
      const next = world().harness.unique('next');
      const reader = await world().reader('A', { idleTimeout: IDLE });
      await world().publish('first');
      const follower = await world().reader('F', { streams: [next] });
      const publish = [
        { stream: next, fields: entry('1') },
        { stream, fields: entry('2') },
        { stream: next, fields: entry('3') },
      ];
      expect(await reader.settle(await reader.takeOne(), { ...ack, publish })).toBe('settled');
      expect(valueOf(await reader.takeOne())).toBe('2');
      expect((await follower.take(2)).map(valueOf)).toEqual(['1', '3']);
    });

    test('acknowledges', async () => {
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      const publish = [{ stream: world().harness.unique('next'), fields: entry('next') }];
      expect(await reader.settle(leases[0]!, { ...ack, publish })).toBe('settled');
      const peer = await world().reader('B', { idleTimeout: 100 });
      await peer.expectNothing(300);
    });

    test('carried out twice is gone and publishes once', async () => {
      await world().need((can) => can.atomicPublish, 'publish in one step with the ack');
      await world().publish('a');
      const next = world().harness.unique('next');
      const reader = await world().reader('A');
      const lease = await reader.takeOne();
      const publish = [{ stream: next, fields: entry('next') }];
      expect(await reader.settle(lease, { ...ack, publish })).toBe('settled');
      expect(await reader.settle(lease, { ...ack, publish })).toBe('gone');
      const follower = await world().reader('F', { streams: [next] });
      expect(await follower.takeWithin(300)).toHaveLength(1);
    });

    test('does neither where a message is refused', async () => {
      await world().need((can) => can.atomicPublish, 'publish in one step with the ack');
      await world().publish('a');
      const next = world().harness.unique('next');
      const reader = await world().reader('A');
      const lease = await reader.takeOne();
      const publish = [
        { stream: next, fields: entry('1') },
        { stream: next, fields: [] },
      ];
      const outcome = await reader.settle(lease, { ...ack, publish });
      expect(outcome, 'ack with publish of an entry without fields').toBeInstanceOf(Error);
      expect(await reader.extend(lease)).toEqual(['held']);
      await (await world().reader('F', { streams: [next] })).expectNothing(100);
    });
  });

  describe('dead-letter', () => {
    test('stores the raw fields and the record, and ends the hold', async () => {
      port(await world().driver(), 'deadLetters');
      const fields = ['odd name', '', 'ü', '\u0000', 'payload', '{no json'];
      await (await world().source()).publish([{ stream: world().stream, fields }]);
      const { reader, leases } = await world().abandon('A', 1);
      const record = recordFor(leases[0]!, world().group, 'A');
      expect(await reader.deadLetter(leases[0]!, record)).toBe('settled');
      expect(await world().deadLetters()).toEqual([
        { ...record, fields, deadLetterId: expect.any(String) },
      ]);
      const peer = await world().reader('B', { idleTimeout: 100 });
      await peer.expectNothing(300);
    });

    test('carried out twice is gone and stored once', async () => {
      port(await world().driver(), 'deadLetters');
      await world().need((can) => can.atomicDeadLetter, 'dead-letter in one step');
      const reader = await world().reader('A');
      await world().publish('a');
      const lease = await reader.takeOne();
      const record = recordFor(lease, world().group, 'A');
      expect(await reader.deadLetter(lease, record)).toBe('settled');
      expect(await reader.deadLetter(lease, record)).toBe('gone');
      expect(await world().deadLetters()).toHaveLength(1);
    });

    test('stores one per group that gives up', async () => {
      port(await world().driver(), 'deadLetters');
      const groups = [world().group, world().harness.unique('second')];
      const readers = [];
      for (const group of groups) readers.push(await world().reader('A', { group }));
      await world().publish('a');
      for (const [at, reader] of readers.entries()) {
        const lease = await reader.takeOne();
        expect(await reader.deadLetter(lease, recordFor(lease, groups[at]!, 'A'))).toBe('settled');
      }
      expect((await world().deadLetters()).map(({ group }) => group)).toEqual(groups);
    });
  });
}
