import { expect } from '../../running/expect.js';
import { port, skip } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import { deadLetter } from '../../../core/settlement.js';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { heldWorld } from './held-world.js';
import { entry, IDLE, recordFor, valueOf, type SourceWorld } from '../../world/source-world.js';

/** More than one page of entries on hold. */
const MANY = 400;

export function describeHolding({ describe, test }: Tests, world: () => SourceWorld): void {
  const { quick, entries, hold, held, list } = heldWorld(world);

  describe('an entry on hold', () => {
    test('is listed with its record and its fields', async () => {
      const { ids, leases } = await held('a', 'b');
      const { items, next } = await list();
      expect(next).toBe(undefined);
      expect(items).toHaveLength(1);
      const { heldId, fields, ...record } = items[0]!;
      expect(record).toEqual(recordFor(leases[0]!, world().group, 'A'));
      expect(fields).toEqual(entry('a'));
      expect(record.id).toBe(ids[0]);
      expect(heldId).toBeTypeOf('string');
      expect(await (await entries()).list(world().stream, 'other', 100)).toEqual({ items: [] });
    });

    test('goes to no consumer, however long it is idle, and survives its consumers', async () => {
      const { reader, leases } = await held('a', 'b');
      await reader.ack(leases[1]!);
      await reader.subscription.stop();
      await reader.subscription.close();
      const same = await world().reader('A', quick);
      const peer = await world().reader('B', quick);
      await Promise.all([same.expectNothing(2 * IDLE), peer.expectNothing(2 * IDLE)]);
      expect((await list()).items).toHaveLength(1);
      // What comes after it is read.
      await world().publish('c');
      expect(valueOf((await Promise.race([same.take(1), peer.take(1)]))[0]!)).toBe('c');
    });

    test('of many hides no abandoned one: those are taken over, oldest first', async () => {
      await entries();
      const values = Array.from({ length: MANY }, (_, index) => String(index));
      await world().publish(...values);
      const { reader, leases } = await world().abandon('A', MANY, quick);
      const abandoned = new Set([70, 71, MANY - 1].map((index) => leases[index]!));
      for (const lease of leases) {
        if (!abandoned.has(lease)) expect(await hold(reader, lease)).toBe('settled');
      }
      const peer = await world().reader('B', quick);
      const taken = await peer.take(abandoned.size);
      expect(taken.map((lease) => valueOf(lease))).toEqual(['70', '71', String(MANY - 1)]);
      expect((await list()).items).toHaveLength(100);
    });

    test('needs its data: without, nothing is done, and the entry can be given up otherwise', async () => {
      await entries();
      const { harness, stream, group } = world();
      port(await world().driver(), 'held');
      if (!harness.trim) return skip('nothing can be trimmed');
      const [a] = await world().publish('a', 'b');
      const reader = await world().reader('A', quick);
      const [lease] = await reader.take(2);
      await harness.trim(stream, a!);
      expect(await hold(reader, lease!)).toBe('unheld');
      expect((await list()).items).toEqual([]);
      const record = recordFor(lease!, group, 'A');
      const giveUp = { lease: lease!, settlement: deadLetter('unrecoverable'), record };
      expect(await reader.source.settle([giveUp])).toEqual(['settled']);
      const letters = await port(await world().driver(), 'deadLetters').list(stream, 10);
      expect(letters.items.map(({ id, fields }) => [id, fields])).toEqual([[a, entry('a')]]);
    });

    test('is settled no more by the run that held it, nor claimed', async () => {
      const { ids, reader, leases } = await held('a');
      expect(await hold(reader, leases[0]!)).toBe('gone');
      expect(await reader.extend(leases[0]!)).not.toEqual(['held']);
      const pending = port(await world().driver(), 'pending');
      const { stream, group } = world();
      const to = { consumer: 'B', minIdleMs: 0, ids };
      expect(await pending.claim(stream, group, to)).toEqual([]);
      expect(await pending.list(stream, group, { count: 10 })).toMatchObject([
        { id: ids[0], consumer: HELD_CONSUMER },
      ]);
    });

    test('is what keeps the stream, and no consumer of its own', async () => {
      const { ids, reader, leases } = await held('a', 'b');
      await reader.ack(leases[1]!);
      const groups = port(await world().driver(), 'groups');
      const { stream, group } = world();
      const [report] = await groups.describe([stream]);
      expect(report!.furthestBehind).toEqual({ name: group, by: 'held', needs: ids[0] });
      expect(report!.groups).toMatchObject([{ pending: 1, oldestIsHeld: true, consumers: 1 }]);
      const consumers = await groups.consumers?.(stream, group);
      expect((consumers ?? [{ name: 'A' }]).map(({ name }) => name)).toEqual(['A']);
    });

    test('of what another consumer has is refused', async () => {
      await entries();
      await world().publish('a');
      const { reader, leases } = await world().abandon('A', 1, quick);
      const peer = await world().reader('B', quick);
      const taken = await peer.takeOne();
      await peer.start(taken);
      expect(await hold(reader, leases[0]!)).toBe('lost');
      expect((await list()).items).toEqual([]);
      await peer.ack(taken);
      expect(await hold(peer, taken)).toBe('gone');
    });

    test('can be acknowledged by its id, and goes with its group', async () => {
      const { ids } = await held('a', 'b');
      const { stream, group } = world();
      const pending = port(await world().driver(), 'pending');
      expect(await pending.acknowledge(stream, group, [ids[0]!])).toBe(1);
      expect((await list()).items).toEqual([]);
      const reader = await world().reader('B', quick);
      const lease = await reader.takeOne();
      await reader.start(lease);
      expect(await hold(reader, lease)).toBe('settled');
      const groups = port(await world().driver(), 'groups');
      expect(await groups.delete(stream, group)).toBe(true);
      expect((await list()).items).toEqual([]);
    });

    test('under guards is not handed to the next owner', async () => {
      const leases = port(await world().driver(), 'leases');
      await entries();
      await world().publish('a', 'b');
      const { stream } = world();
      const guarded = async (owner: string) => {
        const owned = await leases.acquire({ stream, name: 'order' }, owner, 60_000);
        return { owned: owned!, guards: [leases.guard(owned!)] };
      };
      const first = await guarded('A');
      const reader = await world().reader('A', { ...quick, guards: first.guards });
      const [one] = await reader.take(2);
      expect(await hold(reader, one!)).toBe('settled');
      await reader.subscription.stop();
      await reader.subscription.close();
      await leases.release(first.owned);
      const second = await guarded('B');
      const next = await world().reader('B', { ...quick, guards: second.guards });
      const got = await next.takeWithin(2 * IDLE);
      expect(got.map((lease) => valueOf(lease))).toEqual(['b']);
    });
  });
}
