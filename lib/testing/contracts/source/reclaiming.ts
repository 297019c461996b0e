import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { ack, retry } from '../../../core/settlement.js';
import { IDLE, valueOf, type SourceWorld } from '../../world/source-world.js';

export function describeReclaiming({ describe, test }: Tests, world: () => SourceWorld): void {
  const idle = { idleTimeout: IDLE };

  describe('an entry that its owner does not keep fresh', () => {
    test('goes to another consumer after idleTimeout and not before', async () => {
      const [id] = await world().publish('a');
      const began = world().harness.now();
      await world().abandon('A', 1);
      const peer = await world().reader('B', idle);
      const lease = await peer.takeOne();
      expect(lease.id).toBe(id);
      expect(world().harness.now() - began).toBeGreaterThanOrEqual(IDLE);
    });

    test('comes uncharged, with the count of the runs so far', async () => {
      await world().need(world().countsAttempts, 'count attempts across consumers');
      await world().publish('a');
      await world().abandon('A', 1);
      const peer = await world().reader('B', idle);
      const lease = await peer.takeOne();
      expect(lease).toMatchObject({ charged: false, attempt: 1 });
      expect(await peer.begin(lease)).toBe('started');
      expect(lease).toMatchObject({ charged: true, attempt: 2 });
      expect(valueOf(lease)).toBe('a');
    });

    test('is fresh once it was taken over', async () => {
      await world().needEntries();
      await world().publish('a');
      await world().abandon('A', 1);
      await world().abandon('B', 1, idle);
      const taken = world().harness.now();
      await (await world().reader('C', idle)).takeOne();
      expect(world().harness.now() - taken).toBeGreaterThanOrEqual(IDLE / 2);
    });

    test('is not charged by being handed on, only by a run', async () => {
      await world().need(world().countsAttempts, 'count attempts across consumers');
      await world().publish('a');
      await world().abandon('A', 1);
      await world().abandon('B', 1, idle);
      const last = await world().reader('C', idle);
      expect(await last.takeOne()).toMatchObject({ charged: false, attempt: 1 });
    });

    test('is reported', async () => {
      await world().needEntries();
      const reclaimed = world().record('reclaimed');
      await world().publish('a', 'b');
      await world().abandon('A', 2);
      await (await world().reader('B', idle)).take(2);
      expect(reclaimed.reduce((sum, { count }) => sum + count, 0)).toBe(2);
      expect(reclaimed[0]).toMatchObject({ stream: world().stream, group: world().group });
    });

    test('counts towards the limit of a pull', async () => {
      await world().publish('a', 'b', 'c', 'd', 'e');
      await world().abandon('A', 5);
      const peer = await world().reader('B', idle);
      const values: (string | undefined)[] = [];
      while (values.length < 5) {
        const leases = await peer.until(peer.subscription.pull(2));
        expect(leases.length).toBeLessThanOrEqual(2);
        for (const lease of leases) values.push(valueOf(await peer.start(lease)));
      }
      expect(values).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    test('stays in its group', async () => {
      await world().publish('a');
      await world().abandon('A', 1);
      const options = { ...idle, group: world().harness.unique('other') };
      const other = await world().reader('B', options);
      await other.ack(await other.takeOne());
      await other.expectNothing(2 * IDLE);
    });

    test('goes to one of several peers', async () => {
      await world().needEntries();
      await world().publish('a');
      await world().abandon('A', 1);
      const peers = [await world().reader('B', idle), await world().reader('C', idle)];
      const taken: string[] = [];
      const taking = peers.map(async (peer) => {
        const lease = await peer.takeOne();
        taken.push(valueOf(await peer.start(lease))!);
        return { peer, lease };
      });
      const { peer, lease } = await Promise.race(taking);
      const { harness } = world();
      for (const began = harness.now(); harness.now() - began < 2 * IDLE;) {
        expect(await peer.extend(lease)).toEqual(['held']);
        await harness.elapse(IDLE / 10);
      }
      expect(taken).toEqual(['a']);
      await world().publish('b');
      await Promise.all(taking);
      expect(taken).toEqual(['a', 'b']);
    });

    test('comes back to a consumer that starts again under its name', async () => {
      const [id] = await world().publish('a');
      const { reader } = await world().abandon('A', 1);
      await reader.subscription.close();
      const after = await world().reader('A', idle);
      const lease = await after.start(await after.takeOne());
      expect(lease.id).toBe(id);
      await after.ack(lease);
    });
  });

  describe('extend', () => {
    test('keeps entries from others for as long as it is called', async () => {
      await world().need((can) => can.extends, 'extend leases');
      await world().publish('a', 'b');
      const owner = await world().reader('A', idle);
      const peer = await world().reader('B', idle);
      const leases = await owner.take(2);
      await peer.expectNothing(3 * IDLE, async () => {
        expect(await owner.extend(...leases)).toEqual(['held', 'held']);
      });
      await owner.ack(...leases);
    });

    test('tells held from lost from gone, in the order asked', async () => {
      await world().needEntries();
      await world().need((can) => can.extends, 'extend leases');
      await world().publish('lost', 'gone', 'held');
      const owner = await world().reader('A', idle);
      const peer = await world().reader('B', idle);
      const [lost, gone, held] = await owner.take(3);
      const taken = await peer.take(3);
      for (const lease of taken) await peer.start(lease);
      const byId = (id: string) => taken.find((lease) => lease.id === id)!;
      await peer.ack(byId(gone!.id));
      const theirs = [byId(held!.id), byId(gone!.id), byId(lost!.id)];
      expect(await peer.extend(...theirs)).toEqual(['held', 'gone', 'held']);
      expect(await owner.extend(lost!, gone!, held!)).toEqual(['lost', 'gone', 'lost']);
    });

    test('of nothing is nothing', async () => {
      const reader = await world().reader('A');
      expect(await reader.extend()).toEqual([]);
    });

    test('does not bring back an entry that was acknowledged', async () => {
      await world().publish('a');
      const owner = await world().reader('A', { idleTimeout: 100 });
      const peer = await world().reader('B', { idleTimeout: 100 });
      const lease = await owner.takeOne();
      await owner.ack(lease);
      expect(await owner.extend(lease)).toEqual(['gone']);
      await peer.expectNothing(300);
    });
  });

  describe('a run', () => {
    test('keeps its entry fresh from its beginning', async () => {
      await world().needEntries();
      await world().publish('a');
      await world().abandon('A', 1);
      const { reader, leases } = await world().abandon('B', 1, idle);
      await world().harness.elapse(IDLE / 2);
      const began = world().harness.now();
      await reader.start(leases[0]!);
      const third = await world().reader('C', idle);
      await third.takeOne();
      expect(world().harness.now() - began).toBeGreaterThanOrEqual(IDLE);
    });

    test('that settled is not run again', async () => {
      await world().publish('a');
      const owner = await world().reader('A', { idleTimeout: 100 });
      const peer = await world().reader('B', { idleTimeout: 100 });
      expect(await owner.settle(await owner.takeOne(), ack)).toBe('settled');
      await peer.expectNothing(300);
    });

    test('that waits for its retry is kept fresh from then on', async () => {
      await world().needEntries();
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1);
      await world().harness.elapse(IDLE / 2);
      const began = world().harness.now();
      expect(await reader.settle(leases[0]!, retry(3_600_000))).toBe('settled');
      const peer = await world().reader('B', idle);
      await peer.takeOne();
      expect(world().harness.now() - began).toBeGreaterThanOrEqual(IDLE);
    });
  });
}
