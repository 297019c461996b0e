import { expect } from '../../running/expect.js';
import { skip } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import { IDLE } from '../../world/source-world.js';
import type { LiveWorld } from './live-world.js';

/** Which consumers an entry can be handed to. */
export function describeReceiving({ describe, test }: Tests, world: () => LiveWorld): void {
  const idle = { idleTimeout: IDLE };

  describe('a receiver', () => {
    /** The entry stays with its sender. */
    async function expectRefused(
      to: { consumer: string; instance: string },
      eventType = 'b.made',
    ): Promise<void> {
      const sender = await world().sender();
      expect(await sender.handOver(to, { eventType })).toEqual(['refused']);
      expect(await sender.reader.extend(...sender.leases)).toEqual(['held']);
      await sender.reader.ack(...sender.leases);
    }

    test('that was never announced is refused', () =>
      expectRefused({ consumer: 'B', instance: 'none' }));

    test('of another instance is refused', async () => {
      const { consumer } = await world().join('B');
      await expectRefused({ consumer, instance: 'another' });
    });

    for (const state of ['paused', 'closing'] as const) {
      test(`that is ${state} is refused`, async () => {
        const receiver = await world().join('B');
        await receiver.change(state);
        await expectRefused(receiver);
      });
    }

    test('that has left is refused', async () => {
      const receiver = await world().join('B');
      await receiver.membership.leave();
      await expectRefused(receiver);
    });

    test('that is dead is refused', async () => {
      const receiver = await world().join('B', { timeToLive: 50 });
      await world().harness.elapse(100);
      await expectRefused(receiver);
    });

    test('that handles other events is refused', async () => {
      await expectRefused(await world().join('B', { events: ['a.*', 'b.made.twice'] }));
    });

    test('that does not handle them any more is refused', async () => {
      const receiver = await world().join('B', { events: ['b.*'] });
      await receiver.change('live', ['a.*']);
      await expectRefused(receiver);
    });

    for (const [pattern, eventType] of [
      ['b.made', 'b.made'],
      ['b.*', 'b.made'],
      ['*', 'b.made'],
      ['*.made', 'b.made'],
      ['b*e', 'b.made'],
      ['**', ''],
      ['*', ''],
      ['ü.*.ß', 'ü.x.y.ß'],
      ['a*b*c', 'a.bb.b.c'],
    ] as const) {
      test(`whose pattern is ${JSON.stringify(pattern)} has ${JSON.stringify(eventType)}`, async () => {
        const sender = await world().sender();
        const receiver = await world().join('B', { events: ['x', pattern] });
        expect(await sender.handOver(receiver, { eventType })).toEqual(['handed']);
      });
    }

    for (const [pattern, eventType] of [
      ['b.made', 'b.made2'],
      ['b.*', 'b'],
      ['*.made', 'made'],
      ['a*a', 'a'],
      ['a*b*c', 'a.c.b'],
      ['b.%a', 'b.x'],
      ['b.', 'b.x'],
    ] as const) {
      test(`whose pattern is ${JSON.stringify(pattern)} does not have ${JSON.stringify(eventType)}`, async () => {
        await expectRefused(await world().join('B', { events: [pattern] }), eventType);
      });
    }

    test('has as many waiting as it may, and is full then', async () => {
      const sender = await world().sender(4);
      const receiver = await world().join('B');
      const outcomes = await sender.handOver(receiver, { maxWaiting: 3 });
      expect(outcomes).toEqual(['handed', 'handed', 'handed', 'full']);
      const left = { leases: sender.leases.slice(3), maxWaiting: 3 };
      expect(await sender.handOver(receiver, left)).toEqual(['full']);
      expect(await sender.reader.extend(sender.leases[3]!)).toEqual(['held']);
      const reader = await world().reader('B');
      await reader.take(3);
      expect(await sender.handOver(receiver, left)).toEqual(['handed']);
      await reader.takeOne();
    });

    test('does not have what its sender has lost, or settled', async () => {
      const sender = await world().sender(2, idle);
      const peer = await world().reader('C', idle);
      await sender.reader.ack(sender.leases[0]!);
      await peer.start(await peer.takeOne());
      expect(await sender.handOver(await world().join('B'))).toEqual(['gone', 'lost']);
    });

    test('does not have what was deleted', async () => {
      const { harness } = world();
      if (!harness.trim) return skip('Nothing is deleted where its pending record stays');
      const sender = await world().sender(2);
      await harness.trim(world().stream, sender.leases[0]!.id);
      expect(await sender.handOver(await world().join('B'))).toEqual(['gone', 'handed']);
    });
  });
}
