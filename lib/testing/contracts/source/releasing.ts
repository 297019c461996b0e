import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { ack, release, releaseElsewhere } from '../../../core/settlement.js';
import { IDLE, NEVER, valueOf, type SourceWorld } from '../../world/source-world.js';

export function describeReleasing({ describe, test }: Tests, world: () => SourceWorld): void {
  describe('release', () => {
    test('makes the entry available to another consumer at once', async () => {
      await world().needEntries();
      const [id] = await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      const peer = await world().reader('B', { idleTimeout: NEVER });
      const began = world().harness.now();
      expect(await reader.settle(leases[0]!, release)).toBe('settled');
      const lease = await peer.takeOne();
      expect(lease.id).toBe(id);
      expect(world().harness.now() - began).toBeLessThan(NEVER / 4);
    });

    test('takes back the charge of a run that did not finish', async () => {
      await world().need(world().countsAttempts, 'count attempts across consumers');
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      await reader.settle(leases[0]!, release);
      const peer = await world().reader('B');
      const lease = await peer.takeOne();
      // A source that forgets the first run may hand the entry out as a new one.
      if (!lease.charged) {
        expect(lease.attempt).toBe(0);
        expect(await peer.begin(lease)).toBe('started');
      }
      expect(lease).toMatchObject({ charged: true, attempt: 1 });
      expect(valueOf(lease)).toBe('a');
    });

    test('leaves the count of runs that did finish', async () => {
      await world().need(world().countsAttempts, 'count attempts across consumers');
      await world().publish('a');
      await world().abandon('A', 1);
      const { reader, leases } = await world().abandon('B', 1, { idleTimeout: IDLE });
      expect(leases[0]).toMatchObject({ charged: false, attempt: 1 });
      expect(await reader.settle(leases[0]!, release)).toBe('settled');
      const peer = await world().reader('C');
      expect(await peer.takeOne()).toMatchObject({ charged: false, attempt: 1 });
    });

    test('elsewhere is for other consumers only, which look for abandoned entries', async () => {
      await world().needEntries();
      await world().needHandedOn();
      const reader = await world().reader('A');
      const [id] = await world().publish('a');
      const own = await reader.takeOne();
      await reader.settle(own, { kind: 'retry', delay: 0 });
      expect(await reader.settle(own, releaseElsewhere)).toBe('settled');
      await reader.expectNothing(4 * IDLE);
      const peer = await world().reader('B', { idleTimeout: NEVER });
      const lease = await peer.takeOne();
      expect(lease).toMatchObject({ id, charged: false, attempt: 1 });
      expect(await reader.begin(own)).toBe('lost');
    });

    test('elsewhere leaves the entry to its consumer where no other has taken it', async () => {
      await world().needEntries();
      const reader = await world().reader('A');
      await world().publish('a');
      const lease = await reader.takeOne();
      await reader.settle(lease, { kind: 'retry', delay: 0 });
      expect(await reader.settle(lease, releaseElsewhere)).toBe('settled');
      expect(await reader.begin(lease)).toBe('started');
      expect(valueOf(lease)).toBe('a');
      const peer = await world().reader('B', { idleTimeout: NEVER });
      await peer.expectNothing(4 * IDLE);
      expect(await reader.settle(lease, ack)).toBe('settled');
    });

    test('elsewhere lets it come back from another consumer', async () => {
      await world().needEntries();
      await world().need(world().countsAttempts, 'count attempts across consumers');
      const reader = await world().reader('A');
      await world().publish('a');
      const own = await reader.takeOne();
      await reader.settle(own, { kind: 'retry', delay: 0 });
      await reader.settle(own, releaseElsewhere);
      const peer = await world().reader('B', { idleTimeout: NEVER });
      const theirs = await peer.start(await peer.takeOne());
      await peer.settle(theirs, { kind: 'retry', delay: 0 });
      await peer.settle(theirs, releaseElsewhere);
      expect(await reader.takeOne()).toMatchObject({ id: theirs.id, charged: false, attempt: 2 });
    });

    test('again and again never charges', async () => {
      await world().need(world().countsAttempts, 'count attempts across consumers');
      await world().publish('a');
      for (let turn = 0; turn < 10; turn++) {
        const { reader, leases } = await world().abandon(`C${turn}`, 1);
        const lease = leases[0]!;
        if (!lease.charged) await reader.start(lease);
        expect(lease.attempt).toBe(1);
        expect(await reader.settle(lease, release)).toBe('settled');
      }
    });

    test('ends the hold', async () => {
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      await reader.settle(leases[0]!, release);
      const peer = await world().reader('B');
      const lease = await peer.start(await peer.takeOne());
      expect(await reader.settle(leases[0]!, release)).not.toBe('settled');
      expect(await peer.extend(lease)).toEqual(['held']);
    });

    test('carried out twice does no harm', async () => {
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      await reader.settle(leases[0]!, release);
      expect(await reader.settle(leases[0]!, release)).toBeTypeOf('string');
      await reader.subscription.close();
      const peer = await world().reader('B');
      expect(await peer.takeWithin(300)).toHaveLength(1);
    });

    test('keeps the order of what is released', async () => {
      await world().needOrder();
      await world().publish('a', 'b', 'c');
      const { reader, leases } = await world().abandon('A', 3);
      for (const lease of leases.toReversed()) await reader.settle(lease, release);
      const peer = await world().reader('B');
      const values: (string | undefined)[] = [];
      for (const lease of await peer.take(3)) values.push(valueOf(await peer.start(lease)));
      expect(values).toEqual(['a', 'b', 'c']);
    });
  });
}
