import { expect } from '../../running/expect.js';
import { port, skip } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import { ack, deadLetter } from '../../../core/settlement.js';
import type { Lease } from '../../../core/lease.js';
import { HELD_CONSUMER, type HeldEntries } from '../../../ports/held-entries.js';
import type { Reader } from '../../world/reader.js';
import { entry, IDLE, recordFor, valueOf, type SourceWorld } from '../../world/source-world.js';

/** More than one page of entries on hold. */
const MANY = 400;

export function describeHolding({ describe, test }: Tests, world: () => SourceWorld): void {
  const quick = { idleTimeout: IDLE, reclaimInterval: 50 };

  async function entries(): Promise<HeldEntries> {
    return port(await world().driver(), 'held');
  }

  async function hold(reader: Reader, lease: Lease) {
    const settlement = { ...deadLetter('unrecoverable'), action: 'hold' } as const;
    const record = recordFor(lease, world().group, 'A');
    const [outcome] = await reader.source.settle([{ lease, settlement, record }]);
    return outcome!;
  }

  /** Publishes these, and puts the first of them on hold. */
  async function held(...values: string[]) {
    await entries();
    const ids = await world().publish(...values);
    const reader = await world().reader('A', quick);
    const leases = await reader.take(values.length);
    expect(await hold(reader, leases[0]!)).toBe('settled');
    return { ids, reader, leases };
  }

  const list = async () => (await entries()).list(world().stream, world().group, 100);

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
      expect((await groups.consumers(stream, group)).map(({ name }) => name)).toEqual(['A']);
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

    test('is purged, also where it was released and held again', async () => {
      const { ids, reader, leases } = await held('a', 'b', 'c');
      const { stream, group } = world();
      for (const lease of leases.slice(1)) expect(await hold(reader, lease)).toBe('settled');
      const on = await entries();
      const first = (await list()).items[0]!.heldId;
      expect(await on.release(stream, { ids: [first] })).toBe(1);
      const again = await reader.takeOne();
      if (!again.charged) await reader.start(again);
      expect(await hold(reader, again)).toBe('settled');
      expect((await list()).items.map(({ id }) => id)).toEqual([ids[1], ids[2], ids[0]]);
      const second = (await list()).items[0]!.heldId;
      expect(await on.purge(stream, { ids: [second], group: 'other' })).toBe(0);
      expect(await on.purge(stream, { ids: [second, second] })).toBe(1);
      expect(await on.purge(stream, { ids: [second] })).toBe(0);
      expect((await list()).items.map(({ id }) => id)).toEqual([ids[2], ids[0]]);
      expect(await on.purge(stream, { group })).toBe(2);
      expect((await list()).items).toEqual([]);
      const pending = port(await world().driver(), 'groups');
      expect((await pending.describe([stream]))[0]!.groups[0]!.pending).toBe(0);
      await reader.expectNothing(IDLE);
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

  describe('release', () => {
    /** Takes one and starts its run, where reading it was not the start already. */
    async function run(reader: Reader) {
      const lease = await reader.takeOne();
      return lease.charged ? lease : reader.start(lease);
    }

    test('by id hands an entry to any consumer, with attempts from the beginning', async () => {
      const { ids, reader, leases } = await held('a', 'b');
      expect(await hold(reader, leases[1]!)).toBe('settled');
      const { items } = await list();
      expect(items.map(({ id }) => id)).toEqual(ids);
      const { stream } = world();
      const first = items[0]!.heldId;
      const held2 = await entries();
      expect(await held2.release(stream, { ids: [first], group: 'other' })).toBe(0);
      expect(await held2.release(stream, { ids: [first, first] })).toBe(1);
      expect(await held2.release(stream, { ids: [first] })).toBe(0);
      const peer = await world().reader('B', quick);
      await reader.subscription.stop();
      await reader.subscription.close();
      const lease = await run(peer);
      expect(lease).toMatchObject({ stream, id: ids[0], attempt: 1, charged: true });
      expect(valueOf(lease)).toBe('a');
      await peer.ack(lease);
      await peer.expectNothing(IDLE);
      expect((await list()).items.map(({ id }) => id)).toEqual([ids[1]]);
    });

    test('of a group, of a message that was held again, in pages', async () => {
      const { ids, reader, leases } = await held('a', 'b', 'c');
      for (const lease of leases.slice(1)) expect(await hold(reader, lease)).toBe('settled');
      const { stream, group } = world();
      const held2 = await entries();
      const page = await held2.list(stream, group, 2);
      expect(page.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      const rest = await held2.list(stream, group, 2, page.next);
      expect(rest.items.map(({ id }) => id)).toEqual(ids.slice(2));
      expect(rest.next).toBe(undefined);
      expect(await held2.release(stream, { group })).toBe(3);
      const again = await run(reader);
      expect(again.id).toBe(ids[0]);
      expect(await hold(reader, again)).toBe('settled');
      for (const id of ids.slice(1)) {
        const lease = await run(reader);
        expect(lease.id).toBe(id);
        await reader.source.settle([{ lease, settlement: ack }]);
      }
      await reader.expectNothing(2 * IDLE);
      const [only, ...others] = (await list()).items;
      expect([only!.id, only!.fields, others]).toEqual([ids[0], entry('a'), []]);
      expect(await held2.release(stream, { group })).toBe(1);
      const last = await run(reader);
      expect([last.id, valueOf(last)]).toEqual([ids[0], 'a']);
      await reader.ack(last);
      expect((await list()).items).toEqual([]);
    });

    test('refuses ids that are none', async () => {
      const held2 = await entries();
      await expect(held2.release(world().stream, { ids: ['nonsense'] })).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
      });
    });
  });
}
