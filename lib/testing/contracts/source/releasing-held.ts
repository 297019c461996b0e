import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import { ack } from '../../../core/settlement.js';
import type { Reader } from '../../world/reader.js';
import { entry, IDLE, valueOf, type SourceWorld } from '../../world/source-world.js';
import { heldWorld } from './held-world.js';

export function describeReleasingHeld({ describe, test }: Tests, world: () => SourceWorld): void {
  const { quick, entries, hold, held, list } = heldWorld(world);

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

  test('an entry on hold is purged, also where it was released and held again', async () => {
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
}
