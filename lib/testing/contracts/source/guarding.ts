import { expect } from '../../running/expect.js';
import { port, skip } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import type { OwnedLease } from '../../../ports/lease-store.js';
import { ack, leave } from '../../../core/settlement.js';
import type { SubscribeOptions } from '../../../ports/subscription.js';
import type { Reader } from '../../world/reader.js';
import {
  fencedSettlings,
  fitFor,
  IDLE,
  kindOf,
  NEVER,
  valueOf,
  type SourceWorld,
} from '../../world/source-world.js';

/** What a subscription under guards promises: at most one of them reads, and settles. */
export function describeGuarding(
  { describe, test, beforeEach }: Tests,
  world: () => SourceWorld,
): void {
  describe('under a guard', () => {
    beforeEach(async () => port(await world().driver(), 'leases'));

    /** Owns this test's stream from now on; the owner before does not notice. */
    async function own(owner: string, ttl = 1): Promise<OwnedLease> {
      const leases = port(await world().driver(), 'leases');
      const { stream, group: name } = world();
      for (;;) {
        const lease = await leases.acquire({ stream, name }, owner, ttl);
        if (lease) return lease;
        await world().harness.elapse(5);
      }
    }

    async function guarded(
      consumer: string,
      options: Partial<SubscribeOptions> = {},
    ): Promise<{ reader: Reader; lease: OwnedLease; disowned: () => number }> {
      const lease = await own(consumer);
      let told = 0;
      const guards = [port(await world().driver(), 'leases').guard(lease)];
      const onDisowned = () => told++;
      const reader = await world().reader(consumer, { guards, onDisowned, ...options });
      return { reader, lease, disowned: () => told };
    }

    test('everything works as without', async () => {
      port(await world().driver(), 'deadLetters');
      await world().publish('a', 'b', 'c', 'd');
      const { reader } = await guarded('A');
      const [a, b, c, d] = await reader.take(4);
      expect([a!, b!, c!, d!].map(valueOf)).toEqual(['a', 'b', 'c', 'd']);
      expect(await reader.extend(a!, b!)).toEqual(['held', 'held']);
      await reader.ack(a!);
      expect(await reader.settle(b!, { kind: 'retry', delay: 0 })).toBe('settled');
      expect(await reader.begin(b!)).toBe('started');
      const follower = world().harness.unique('follower');
      const settlings = fencedSettlings(b!, world().group, follower);
      expect(await reader.source.settle([settlings[0]!])).toEqual(['settled']);
      const [, , bury] = fencedSettlings(c!, world().group, follower);
      expect(await reader.source.settle([bury!])).toEqual(['settled']);
      expect(await reader.settle(d!, { kind: 'release' })).toBe('settled');
      expect((await world().deadLetters()).map(({ id }) => id)).toEqual([c!.id]);
    });

    test('a waiting pull answers as soon as there is an entry', async () => {
      const blockTimeout = 8000;
      const { reader } = await guarded('A', { blockTimeout });
      const began = world().harness.now();
      const pulling = reader.subscription.pull(10);
      await world().harness.elapse(50);
      const [id] = await world().publish('a');
      expect((await reader.until(pulling)).map((lease) => lease.id)).toEqual([id]);
      expect(world().harness.now() - began).toBeLessThan(blockTimeout / 2);
    });

    test('a waiting pull ends at once with stop', async () => {
      const blockTimeout = 8000;
      const { reader } = await guarded('A', { blockTimeout });
      const began = world().harness.now();
      const pulling = reader.subscription.pull(10);
      await world().harness.elapse(50);
      await reader.subscription.stop();
      expect(await pulling).toEqual([]);
      expect(world().harness.now() - began).toBeLessThan(blockTimeout / 2);
    });

    test('the owner that lost it settles, publishes, buries, extends and releases nothing', async () => {
      await world().publish('a');
      const { reader } = await guarded('A');
      const lease = await reader.takeOne();
      await own('B');
      const follower = world().harness.unique('follower');
      const settlings = fencedSettlings(lease, world().group, follower);
      for (const settling of [
        ...fitFor(await world().driver(), settlings),
        { lease, settlement: leave },
        { lease, settlement: ack },
      ]) {
        const [outcome] = await reader.source.settle([settling]);
        expect([kindOf(settling), outcome]).toEqual([kindOf(settling), 'lost']);
      }
      expect(await reader.extend(lease)).toEqual(['lost']);
      expect(await world().deadLetters()).toEqual([]);
      const other = await world().reader('F', { streams: [follower] });
      await other.expectNothing(100);
    });

    test('the owner that lost it begins nothing', async () => {
      await world().publish('a');
      const { reader } = await guarded('A');
      const lease = await reader.takeOne();
      expect(await reader.settle(lease, { kind: 'retry', delay: 0 })).toBe('settled');
      await own('B');
      expect(await reader.begin(lease)).toBe('lost');
    });

    test('the owner that lost it reads nothing and takes nothing over, and is told', async () => {
      await world().publish('a');
      const { reader: first } = await guarded('Z');
      await first.takeOne();
      const { reader, disowned } = await guarded('A', { idleTimeout: IDLE });
      await reader.takeOne();
      const { reader: owner } = await guarded('C');
      const [a] = await owner.take(1);
      await world().publish('b', 'c');
      const [b] = await owner.take(1);
      await reader.expectNothing(2 * IDLE);
      expect(disowned()).toBeGreaterThan(0);
      expect([a, b].map((lease) => valueOf(lease!))).toEqual(['a', 'b']);
      expect(await owner.extend(a!, b!)).toEqual(['held', 'held']);
      expect(valueOf(await owner.takeOne())).toBe('c');
    });

    test('a waiting pull that has lost it meanwhile takes nothing', async () => {
      const { reader, disowned } = await guarded('A', { blockTimeout: 500 });
      const pulling = reader.subscription.pull(10);
      await world().harness.elapse(50);
      const { reader: owner } = await guarded('B');
      await world().publish('a');
      expect(await reader.until(pulling)).toEqual([]);
      expect(disowned()).toBeGreaterThan(0);
      expect(valueOf(await owner.takeOne())).toBe('a');
    });

    test('a released lease guards nothing any more', async () => {
      await world().publish('a');
      const { reader, lease } = await guarded('A');
      const entry = await reader.takeOne();
      await port(await world().driver(), 'leases').release(lease);
      expect(await reader.settle(entry, ack)).toBe('lost');
    });

    test('an expired lease that no other owner took guards on', async () => {
      await world().publish('a');
      const { reader } = await guarded('A');
      await world().harness.elapse(20);
      await reader.ack(await reader.takeOne());
    });

    test('all of several guards have to hold', async () => {
      await world().publish('a', 'b');
      const leases = port(await world().driver(), 'leases');
      const { stream } = world();
      const one = (await leases.acquire({ stream, name: 'one' }, 'A', NEVER))!;
      const two = (await leases.acquire({ stream, name: 'two' }, 'A', NEVER))!;
      const guards = [leases.guard(one), leases.guard(two)];
      const reader = await world().reader('A', { guards });
      const [a, b] = await reader.take(2);
      await reader.ack(a!);
      await leases.release(two);
      expect(await reader.settle(b!, ack)).toBe('lost');
    });

    test('takes over all that is pending, in order and at once, before anything new', async () => {
      const values = Array.from({ length: 450 }, (_, index) => `v${index}`);
      await world().publish(...values.slice(0, 400));
      const { reader: first } = await guarded('A');
      const read = await first.take(400);
      await first.ack(...read.filter((_, index) => index % 4 === 0));
      await world().publish(...values.slice(400));
      const { reader: second } = await guarded('B');
      const taken = await second.take(350);
      const left = values.filter((_, index) => index >= 400 || index % 4 > 0);
      expect(taken.map(valueOf)).toEqual(left);
      expect(taken.map(({ charged }) => charged)).toEqual(left.map((_, index) => index >= 300));
    });

    test('takes over what an earlier process of its name had read', async () => {
      await world().publish('a', 'b');
      const { reader: first } = await guarded('A');
      await first.take(2);
      await world().publish('c');
      const { reader: second } = await guarded('A');
      expect((await second.take(3)).map(valueOf)).toEqual(['a', 'b', 'c']);
    });

    test('hands nothing out that it holds', async () => {
      await world().publish('a', 'b');
      const { reader } = await guarded('A', { idleTimeout: IDLE });
      await reader.take(2);
      await reader.expectNothing(2 * IDLE);
    });

    test('drops what was deleted, and reads on', async () => {
      const { harness } = world();
      if (!harness.trim) return skip('nothing can be trimmed');
      const [a] = await world().publish('a', 'b');
      const { reader: first } = await guarded('A');
      await first.take(2);
      await harness.trim(world().stream, a!);
      await world().publish('c');
      const { reader: second } = await guarded('B');
      expect((await second.take(2)).map(valueOf)).toEqual(['b', 'c']);
    });

    test('a redriven message is handed out, too', async () => {
      const deadLetters = port(await world().driver(), 'deadLetters');
      await world().publish('a');
      const { reader } = await guarded('A');
      const lease = await reader.takeOne();
      const [, , bury] = fencedSettlings(lease, world().group, 'none');
      expect(await reader.source.settle([bury!])).toEqual(['settled']);
      await deadLetters.redrive(world().stream, { group: world().group });
      const again = await reader.takeOne();
      expect([again.redriven, valueOf(again)]).toEqual([true, 'a']);
      await own('B');
      expect(await reader.settle(again, ack)).toBe('lost');
    });
  });
}
