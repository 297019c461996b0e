import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import type { DeadLetterFilter } from '../../../ports/dead-letters.js';
import { ack, release, retry } from '../../../core/settlement.js';
import type { Reader } from '../../world/reader.js';
import { IDLE, recordFor, valueOf, type SourceWorld } from '../../world/source-world.js';

export function describeRedriving({ describe, test }: Tests, world: () => SourceWorld): void {
  /** Group's consumer A gave up on these values. */
  async function givenUp(...values: string[]) {
    port(await world().driver(), 'deadLetters');
    const ids = await world().publish(...values);
    const driver = await world().open();
    const reader = await world().reader('A', { idleTimeout: IDLE, driver });
    for (const lease of await reader.take(values.length)) await giveUp(reader, lease);
    const queue = port(await world().driver(), 'deadLetters');
    return {
      ids,
      reader,
      vanish: async () => world().harness.vanish?.(driver),
      redrive: (filter: DeadLetterFilter = { all: true }) => queue.redrive(world().stream, filter),
    };
  }

  async function giveUp(reader: Reader, lease: Parameters<Reader['deadLetter']>[0]) {
    const record = recordFor(lease, world().group, 'A');
    expect(await reader.deadLetter(lease, record)).toBe('settled');
  }

  /** Takes one and starts its run, where reading it was not the start already. */
  async function run(reader: Reader) {
    const lease = await reader.takeOne();
    return lease.charged ? lease : reader.start(lease);
  }

  describe('a redriven dead letter', () => {
    test('keeps its stream, id, time and fields, and counts attempts anew', async () => {
      const { ids, reader, redrive } = await givenUp('a');
      const [letter] = await world().deadLetters();
      expect(await redrive()).toBe(1);
      const lease = await run(reader);
      expect(lease).toMatchObject({
        stream: world().stream,
        id: ids[0],
        attempt: 1,
        charged: true,
        redriven: true,
        publishedAt: Date.parse(letter!.publishedAt),
      });
      expect(valueOf(lease)).toBe('a');
    });

    test('is told apart from the redrives before', async () => {
      const { reader, redrive } = await givenUp('a');
      await redrive();
      const first = await run(reader);
      await giveUp(reader, first);
      await world().harness.elapse(2);
      await redrive();
      const second = await run(reader);
      expect([typeof first.redrive, second.id]).toEqual(['number', first.id]);
      expect(second.redrive!).toBeGreaterThan(first.redrive!);
    });

    test('leaves the queue', async () => {
      const { redrive } = await givenUp('a', 'b');
      const [first] = await world().deadLetters();
      expect(await redrive({ ids: [first!.deadLetterId] })).toBe(1);
      expect((await world().deadLetters()).map(({ fields }) => fields[3])).toEqual(['b']);
      expect(await redrive()).toBe(1);
      expect(await redrive()).toBe(0);
      expect(await world().deadLetters()).toEqual([]);
    });

    test('goes to the group that gave it up and to no other', async () => {
      const { reader, redrive } = await givenUp('a');
      const other = await world().reader('A', { group: world().harness.unique('other') });
      await other.ack(await other.takeOne());
      await redrive();
      await run(reader);
      await other.expectNothing(300);
    });

    test('goes to the groups of a filter only', async () => {
      const { redrive, reader } = await givenUp('a');
      expect(await redrive({ group: 'nobody' })).toBe(0);
      await reader.expectNothing(200);
      expect(await redrive({ group: world().group })).toBe(1);
      await run(reader);
    });

    test('waits for a reader where there is none', async () => {
      const { ids, reader, redrive } = await givenUp('a');
      await reader.subscription.stop();
      await reader.subscription.close();
      await redrive();
      const later = await world().reader('B');
      expect((await run(later)).id).toBe(ids[0]);
    });

    test('is acknowledged like any other', async () => {
      const { reader, redrive } = await givenUp('a');
      await redrive();
      await reader.ack(await run(reader));
      const peer = await world().reader('B', { idleTimeout: IDLE });
      await peer.expectNothing(2 * IDLE);
    });

    test('is retried like any other', async () => {
      await world().need(({ redelivers }) => !redelivers, 'leave retries to the engine');
      const { reader, redrive } = await givenUp('a');
      await redrive();
      const lease = await run(reader);
      expect(await reader.settle(lease, retry(0))).toBe('settled');
      await reader.start(lease);
      expect(lease.attempt).toBe(2);
      expect(valueOf(lease)).toBe('a');
    });

    test('is extended, and taken over where its owner dies', async () => {
      const { ids, reader, redrive, vanish } = await givenUp('a');
      await redrive();
      const held = await run(reader);
      expect(await reader.extend(held)).toEqual(['held']);
      await reader.subscription.stop();
      await vanish();
      const peer = await world().reader('B', { idleTimeout: IDLE });
      const lease = await peer.takeOne();
      expect(lease).toMatchObject({ stream: world().stream, id: ids[0], redriven: true });
      await peer.start(lease);
      // An owner that has vanished never learns that it has lost the entry.
      if (!world().harness.vanish) expect(await reader.settle(held, retry(0))).toBe('lost');
      expect(await peer.settle(lease, ack)).toBe('settled');
    });

    test('is released like any other', async () => {
      const { ids, reader, redrive } = await givenUp('a');
      await redrive();
      const lease = await run(reader);
      await reader.subscription.stop();
      expect(await reader.settle(lease, release)).toBe('settled');
      const peer = await world().reader('B');
      expect((await run(peer)).id).toBe(ids[0]);
    });

    test('can be given up and redriven again', async () => {
      const { ids, reader, redrive } = await givenUp('a');
      for (let turn = 0; turn < 3; turn++) {
        expect(await redrive()).toBe(1);
        const lease = await run(reader);
        expect(lease).toMatchObject({ id: ids[0], attempt: 1, redriven: true });
        await giveUp(reader, lease);
      }
      expect(await world().deadLetters()).toMatchObject([
        { id: ids[0], fields: expect.anything() },
      ]);
    });

    test('many come back in the order in which they died', async () => {
      const values = Array.from({ length: 50 }, (_, index) => String(index));
      const { reader, redrive } = await givenUp(...values);
      expect(await redrive()).toBe(50);
      const leases = await reader.take(50);
      for (const lease of leases) if (!lease.charged) await reader.start(lease);
      expect(leases.map(valueOf)).toEqual(values);
      await reader.ack(...leases);
      await reader.expectNothing(100);
    });
  });
}
