import { port } from '../../running/skipped.js';
import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { ack, retry } from '../../../core/settlement.js';
import { entry, IDLE, recordFor, valueOf, type SourceWorld } from '../../world/source-world.js';

export function describeTrimming({ describe, test }: Tests, world: () => SourceWorld): void {
  /** A holds 'a', whose data is deleted, and 'b'. */
  async function trimmed() {
    await world().need(() => !!world().harness.trim, 'lose data of pending entries');
    const [id] = await world().publish('a', 'b');
    const { reader, leases } = await world().abandon('A', 2);
    await world().harness.trim!(world().stream, id!);
    const [lease, other] = leases;
    return { reader, lease: lease!, other: other!, id: id! };
  }

  const total = (events: readonly { count: number }[]) =>
    events.reduce((sum, { count }) => sum + count, 0);

  describe('an entry whose data was deleted', () => {
    test('is reported by extend, once', async () => {
      const { reader, lease, other } = await trimmed();
      expect(await reader.extend(lease, other)).toEqual(['trimmed', 'held']);
      expect(await reader.extend(lease)).toEqual(['gone']);
    });

    test('lets a run that found out publish its next step', async () => {
      const { reader, lease } = await trimmed();
      const next = world().harness.unique('next');
      await reader.extend(lease);
      const publish = [{ stream: next, fields: entry('next') }];
      expect(await reader.settle(lease, { ...ack, publish })).toBe('settled');
      expect(await reader.settle(lease, { ...ack, publish })).toBe('gone');
      const follower = await world().reader('F', { streams: [next] });
      expect((await follower.takeWithin(200)).map(valueOf)).toEqual(['next']);
    });

    test('lets a run that did not notice settle as ever', async () => {
      const { reader, lease } = await trimmed();
      expect(await reader.settle(lease, ack)).toBe('settled');
    });

    test('is dead-lettered with the fields that its lease was handed', async () => {
      port(await world().driver(), 'deadLetters');
      const { reader, lease } = await trimmed();
      const { fields } = lease;
      const record = recordFor(lease, world().group, 'A');
      expect(await reader.deadLetter(lease, record)).toBe('settled');
      expect(await world().deadLetters()).toMatchObject([{ id: lease.id, fields }]);
    });

    test('cannot be parked for a retry', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      const { reader, lease } = await trimmed();
      expect(await reader.settle(lease, retry(0))).toBe('gone');
    });

    test('cannot be begun', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      const { reader, other } = await trimmed();
      const events = world().record('trimmed');
      await reader.settle(other, retry(0));
      await world().harness.trim!(world().stream, other.id);
      expect(await reader.begin(other)).toBe('gone');
      expect(await reader.extend(other)).toEqual(['gone']);
      expect(total(events)).toBe(1);
    });

    test('does not run elsewhere, nor hold up what follows', async () => {
      const events = world().record('trimmed');
      const { other } = await trimmed();
      const peer = await world().reader('B', { idleTimeout: IDLE });
      const started: string[] = [];
      while (started.length === 0) {
        for (const lease of await peer.takeWithin(IDLE / 2)) {
          if ((await peer.begin(lease)) === 'started') started.push(lease.id);
          else peer.subscription.forget(lease);
        }
      }
      expect(started).toEqual([other.id]);
      // A server without a list of pending entries drops what is deleted, and tells no consumer.
      if ((await world().driver()).pending) expect(total(events)).toBe(1);
    });

    test('is skipped where no consumer had read it', async () => {
      await world().need(() => !!world().harness.trim, 'lose data of pending entries');
      const reader = await world().reader('A');
      const [, second] = await world().publish('a', 'b', 'c');
      await world().harness.trim!(world().stream, second!);
      expect((await reader.take(2)).map(valueOf)).toEqual(['a', 'c']);
    });
  });
}
