import { expect } from '../running/expect.js';
import { port, skip } from '../running/skipped.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../core/errors/group.errors.js';
import type { Driver } from '../../ports/driver.js';
import type { GroupAdmin, GroupReport, PendingEntries } from '../../ports/group-admin.js';
import { ack, release, retry } from '../../core/settlement.js';
import { SourceWorld } from '../world/source-world.js';

const ALL = { count: 100 };

/** What every driver with the ports `groups` and `pending` promises. */
export function groupAdminContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `group admin contract: ${name}`, (tests) => {
    const { describe, test, beforeEach, afterEach } = tests;
    let world: SourceWorld;
    let driver: Driver;
    let groups: GroupAdmin;
    let pending: PendingEntries;
    let stream: string;
    let group: string;

    beforeEach(async () => {
      world = new SourceWorld(await setup());
      driver = await world.driver();
      [groups, pending] = [port(driver, 'groups'), port(driver, 'pending')];
      ({ stream, group } = world);
    });
    afterEach(() => world.close());

    const create = (startId = '0', createStream = true) =>
      groups.create(stream, group, { startId, createStream });
    const report = async (): Promise<GroupReport> => {
      const [found] = await groups.describe([stream]);
      return found!.groups.find((one) => one.name === group)!;
    };
    const names = async () =>
      (await groups.describe([stream]))[0]?.groups.map((one) => one.name).sort();
    const idsOf = (entries: readonly { id: string }[]) => entries.map(({ id }) => id);

    describe('create', () => {
      test('true where this call created it, false where it existed', async () => {
        expect(await create()).toBe(true);
        expect(await create()).toBe(false);
        expect(await create('$')).toBe(false);
        expect((await report()).lastDeliveredId).toBe('0-0');
      });

      test('of many at the same moment, one answers true', async () => {
        const others = await Promise.all(Array.from({ length: 4 }, () => world.open()));
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            port(others[index % 4]!, 'groups').create(stream, group, {
              startId: '0',
              createStream: true,
            }),
          ),
        );
        expect(answers.filter(Boolean)).toHaveLength(1);
      });

      test('without createStream, a stream that is missing is an error, and stays missing', async () => {
        const error: unknown = await create('0', false).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(StreamNotFoundError);
        expect(error).toMatchObject({ code: 'STREAM_NOT_FOUND', stream });
        expect(await groups.describe([stream])).toEqual([undefined]);
        await world.publish('a');
        expect(await create('0', false)).toBe(true);
      });

      for (const [startId, expected] of [
        ['0', (ids: string[]) => ids],
        ['$', () => []],
        ['an id', (ids: string[]) => ids.slice(1)],
      ] as const) {
        test(`begins behind ${startId}`, async () => {
          const ids = await world.publish('a', 'b', 'c');
          await create(startId === 'an id' ? ids[0] : startId);
          const reader = await world.reader('one');
          const [later] = await world.publish('d');
          const wanted = [...expected(ids), later];
          expect(idsOf(await reader.take(wanted.length))).toEqual(wanted);
        });
      }
    });

    describe('delete', () => {
      test('true where there was one, false where not', async () => {
        expect(await groups.delete(stream, group)).toBe(false);
        await create();
        expect(await groups.delete(stream, group)).toBe(true);
        expect(await groups.delete(stream, group)).toBe(false);
        expect(await names()).toEqual([]);
      });

      test('of many at the same moment, one answers true', async () => {
        await create();
        const answers = await Promise.all(
          Array.from({ length: 10 }, () => groups.delete(stream, group)),
        );
        expect(answers.filter(Boolean)).toHaveLength(1);
      });

      test('takes what is pending with it, and leaves other groups as they are', async () => {
        const other = world.harness.unique('group');
        const ids = await world.publish('a', 'b');
        await world.abandon('one', 2);
        await world.abandon('one', 1, { group: other });
        await groups.delete(stream, group);
        await expect(pending.list(stream, group, ALL)).rejects.toThrow(GroupNotFoundError);
        expect(idsOf(await pending.list(stream, other, ALL))).toEqual([ids[0]]);
        await create();
        expect(await report()).toMatchObject({
          pending: 0,
          consumers: 0,
          lastDeliveredId: '0-0',
        });
      });

      test('no consumer that runs creates it again; each tells, and reads on once it is created', async () => {
        const unreadable = world.record('stream-unreadable');
        const recreated = world.record('group-recreated');
        const [one, two] = [await world.reader('one'), await world.reader('two')];
        const [first] = await world.publish('a');
        await one.take(1);
        await groups.delete(stream, group);
        const [second] = await world.publish('b');
        const nothing = (ms: number) => Promise.all([one, two].map((r) => r.expectNothing(ms)));
        while (unreadable.length < 2) await nothing(50);
        for (const { error, consumer, ...where } of unreadable) {
          expect(where).toEqual({ stream, group });
          if (consumer !== undefined) expect(['one', 'two']).toContain(consumer);
          expect(error).toBeInstanceOf(GroupNotFoundError);
          expect(error.message).toContain('createGroup');
        }
        // Several looks, which would create a group that was lost.
        await nothing(300);
        expect(await names()).toEqual([]);
        expect(unreadable).toHaveLength(2);
        await two.subscription.stop();
        await create(first);
        expect(idsOf(await one.take(1))).toEqual([second]);
        expect(recreated).toEqual([]);
        expect(unreadable).toHaveLength(2);
      });

      test('no consumer that starts creates it, either', async () => {
        const unreadable = world.record('stream-unreadable');
        await world.publish('a');
        await create();
        await groups.delete(stream, group);
        const reader = await world.reader('late');
        await reader.expectNothing(100);
        expect(unreadable).toHaveLength(1);
        expect(await names()).toEqual([]);
        await create();
        await reader.take(1);
      });

      test('what its consumers still hold settles as gone, or is done', async () => {
        await world.publish('a', 'b', 'c');
        const reader = await world.reader('one');
        const [first, second, third] = await reader.take(3);
        await groups.delete(stream, group);
        const outcomes = await driver.source.settle([
          { lease: first!, settlement: ack },
          { lease: second!, settlement: retry(0) },
          { lease: third!, settlement: release },
        ]);
        expect(outcomes).toEqual(['settled', 'gone', 'gone']);
      });
    });

    describe('reports', () => {
      test('answers one report per stream, in order, and undefined where there is none', async () => {
        const other = world.harness.unique('other');
        await world.publish('a');
        await world.publishTo(other, 'a', 'b');
        const found = await groups.describe([other, world.harness.unique('none'), stream]);
        expect(found.map((one) => one?.stream)).toEqual([other, undefined, stream]);
        expect(found.map((one) => one?.length)).toEqual([2, undefined, 1]);
        expect(await groups.describe([])).toEqual([]);
      });

      test('of more streams than are asked for at a time', async () => {
        const streams = Array.from({ length: 120 }, () => world.harness.unique('many'));
        await world.publishTo(streams[110]!, 'a');
        const found = await groups.describe(streams);
        expect(found.map((one) => one !== undefined)).toEqual(streams.map((_, at) => at === 110));
      });

      test('a stream without groups, and an empty one', async () => {
        const ids = await world.publish('a', 'b');
        const [found] = await groups.describe([stream]);
        expect(found).toMatchObject({
          length: 2,
          entriesAdded: 2,
          firstId: ids[0],
          lastId: ids[1],
          groups: [],
          furthestBehind: undefined,
        });
        const empty = world.harness.unique('empty');
        await groups.create(empty, group, { startId: '0', createStream: true });
        const [report] = await groups.describe([empty]);
        expect(report).toMatchObject({ length: 0, firstId: undefined, lastId: '0-0' });
        expect(report!.groups[0]).toMatchObject({
          ...{ pending: 0, oldestPendingAge: 0 },
          ...{ oldestUndeliveredId: undefined, oldestUndeliveredAge: 0 },
        });
      });

      test('a group from its beginning to its end', async () => {
        const ids = await world.publish('a', 'b', 'c');
        await create();
        expect(await report()).toMatchObject({
          name: group,
          consumers: 0,
          pending: 0,
          lastDeliveredId: '0-0',
          lag: 3,
          oldestPendingId: undefined,
          oldestUndeliveredId: ids[0],
        });
        const reader = await world.reader('one');
        const leases = await reader.take(2);
        await world.reader('two');
        expect(await report()).toMatchObject({
          pending: 2,
          lastDeliveredId: ids[1],
          entriesRead: 2,
          lag: 1,
          oldestPendingId: ids[0],
          oldestUndeliveredId: ids[2],
        });
        await world.harness.elapse(20);
        const { oldestPendingAge, oldestUndeliveredAge } = await report();
        expect(oldestPendingAge).toBeGreaterThanOrEqual(20);
        expect(oldestPendingAge).toBeLessThan(5000);
        expect(oldestUndeliveredAge).toBeGreaterThanOrEqual(20);
        await driver.source.settle([{ lease: leases[0]!, settlement: ack }]);
        expect(await report()).toMatchObject({ pending: 1, oldestPendingId: ids[1] });
        const furthest = async () => (await groups.describe([stream]))[0]!.furthestBehind;
        expect(await furthest()).toEqual({ name: group, by: 'pending', needs: ids[1] });
        await groups.create(stream, 'behind', { startId: '0', createStream: false });
        expect(await furthest()).toMatchObject({ name: 'behind', by: 'undelivered' });
      });

      test('what the server does not know is null, and never a number', async () => {
        const ids = await world.publish('a', 'b', 'c');
        await create(ids[0]);
        const { entriesRead, lag } = await report();
        expect([null, 1]).toContain(entriesRead);
        expect([null, 2]).toContain(lag);
      });
    });

    describe('setPosition', () => {
      test('what is missing is an error of its type', async () => {
        await expect(groups.setPosition(stream, group, '0')).rejects.toThrow(StreamNotFoundError);
        await world.publish('a');
        await expect(groups.setPosition(stream, group, '0')).rejects.toThrow(GroupNotFoundError);
      });

      for (const [id, from] of [
        ['0', 0],
        ['$', 3],
        ['an id', 1],
      ] as const) {
        test(`to ${id}: is read on from there`, async () => {
          const ids = await world.publish('a', 'b', 'c');
          await create(ids[1]);
          await groups.setPosition(stream, group, id === 'an id' ? ids[0]! : id);
          expect(await report()).toMatchObject({
            lastDeliveredId: from === 0 ? '0-0' : ids[from - 1],
          });
          const [later] = await world.publish('d');
          const reader = await world.reader('one');
          const wanted = [...ids.slice(from), later];
          expect(idsOf(await reader.take(wanted.length))).toEqual(wanted);
        });
      }

      test('back: running consumers read again, and what they hold is not started twice', async () => {
        const ids = await world.publish('a', 'b');
        const reader = await world.reader('one');
        const leases = await reader.take(2);
        await driver.source.settle([{ lease: leases[0]!, settlement: ack }]);
        await groups.setPosition(stream, group, '0');
        expect(await report()).toMatchObject({ pending: 1, lag: 2, oldestUndeliveredId: ids[0] });
        const [again] = await reader.take(1);
        expect(again!.id).toBe(ids[0]);
        await reader.expectNothing(150);
        expect((await report()).oldestUndeliveredId).toBeUndefined();
        expect(idsOf(await pending.list(stream, group, ALL))).toEqual(ids);
        await driver.source.settle([
          { lease: leases[1]!, settlement: ack },
          { lease: again!, settlement: ack },
        ]);
        expect((await report()).pending).toBe(0);
      });
    });

    describe('consumers', () => {
      test('what is missing is an error of its type', async () => {
        await expect(groups.consumers(stream, group)).rejects.toThrow(StreamNotFoundError);
        await world.publish('a');
        await expect(groups.consumers(stream, group)).rejects.toThrow(GroupNotFoundError);
      });

      test('answers each with what it holds, and since when it is silent', async () => {
        await create();
        expect(await groups.consumers(stream, group)).toEqual([]);
        await world.publish('a', 'b', 'c');
        await world.abandon('one', 2);
        await world.abandon('two', 1);
        await world.harness.elapse(50);
        const found = await groups.consumers(stream, group);
        const holding = found.map(({ name: consumer, pending: holds }) => [consumer, holds]);
        expect(Object.fromEntries(holding)).toEqual({ one: 2, two: 1 });
        for (const { idleMs, inactiveMs } of found) {
          expect(idleMs).toBeGreaterThanOrEqual(40);
          expect(idleMs).toBeLessThan(10_000);
          expect(inactiveMs ?? 40).toBeGreaterThanOrEqual(40);
        }
      });

      test('one is removed only where nothing is pending to it', async () => {
        await expect(groups.removeConsumer(stream, group, 'one')).rejects.toThrow(
          StreamNotFoundError,
        );
        const ids = await world.publish('a', 'b');
        await expect(groups.removeConsumer(stream, group, 'one')).rejects.toThrow(
          GroupNotFoundError,
        );
        await world.abandon('one', 2);
        expect(await groups.removeConsumer(stream, group, 'one')).toBe(2);
        expect((await report()).pending).toBe(2);
        await pending.acknowledge(stream, group, ids);
        expect(await groups.removeConsumer(stream, group, 'one')).toBe(0);
        expect(await groups.consumers(stream, group)).toEqual([]);
        expect(await groups.removeConsumer(stream, group, 'nobody')).toBe(0);
      });
    });

    describe('pending', () => {
      test('what is missing is an error of its type', async () => {
        const claim = { consumer: 'two', minIdleMs: 0, ids: ['1-0'] };
        await expect(pending.list(stream, group, ALL)).rejects.toThrow(StreamNotFoundError);
        await expect(pending.claim(stream, group, claim)).rejects.toThrow(StreamNotFoundError);
        expect(await pending.acknowledge(stream, group, ['1-0'])).toBe(0);
        await world.publish('a');
        await expect(pending.list(stream, group, ALL)).rejects.toThrow(GroupNotFoundError);
        await expect(pending.claim(stream, group, claim)).rejects.toThrow(GroupNotFoundError);
        expect(await pending.acknowledge(stream, group, ['1-0'])).toBe(0);
      });

      test('lists oldest first, with owner, idle time and count', async () => {
        const ids = await world.publish('a', 'b', 'c');
        await world.abandon('one', 2);
        await world.abandon('two', 1);
        await world.harness.elapse(20);
        const found = await pending.list(stream, group, ALL);
        expect(found.map(({ id, consumer, delivered }) => [id, consumer, delivered])).toEqual([
          [ids[0], 'one', 1],
          [ids[1], 'one', 1],
          [ids[2], 'two', 1],
        ]);
        for (const { idleMs } of found) {
          expect(idleMs).toBeGreaterThanOrEqual(15);
          expect(idleMs).toBeLessThan(10_000);
        }
      });

      test('of one consumer, idle for so long, from an id, at most so many', async () => {
        const ids = await world.publish('a', 'b', 'c', 'd');
        await world.abandon('one', 3);
        await world.harness.elapse(300);
        await world.abandon('two', 1);
        const list = async (query: object) =>
          idsOf(await pending.list(stream, group, { ...ALL, ...query }));
        expect(await list({ consumer: 'one' })).toEqual(ids.slice(0, 3));
        expect(await list({ consumer: 'nobody' })).toEqual([]);
        expect(await list({ minIdleMs: 250 })).toEqual(ids.slice(0, 3));
        expect(await list({ minIdleMs: 60_000 })).toEqual([]);
        expect(await list({ start: ids[1] })).toEqual(ids.slice(1));
        expect(await list({ start: `(${ids[1]}` })).toEqual(ids.slice(2));
        expect(await list({ count: 2 })).toEqual(ids.slice(0, 2));
        const both = { consumer: 'one', minIdleMs: 250, start: ids[1], count: 1 };
        expect(await list(both)).toEqual([ids[1]]);
      });

      test('more than one command answers', async () => {
        const ids = await world.publish(...Array.from({ length: 2300 }, (_, n) => String(n)));
        await world.abandon('one', 2300);
        const found = await pending.list(stream, group, { count: 2200 });
        expect(idsOf(found)).toEqual(ids.slice(0, 2200));
        const to = { consumer: 'two', minIdleMs: 0, ids };
        expect(await pending.claim(stream, group, to)).toHaveLength(2300);
        expect(await pending.acknowledge(stream, group, ids)).toBe(2300);
      });

      test('what was given back is free at once', async () => {
        await world.publish('a');
        const reader = await world.reader('one');
        const [lease] = await reader.take(1);
        await driver.source.settle([{ lease: lease!, settlement: release }]);
        await reader.subscription.stop();
        const [found] = await pending.list(stream, group, ALL);
        expect(['', 'one']).toContain(found!.consumer);
        expect(found!.idleMs).toBeGreaterThanOrEqual(86_400_000);
        expect(found!.delivered).toBe(0);
      });

      test('is claimed where it is idle, uncharged, and is no other consumer’s then', async () => {
        const ids = await world.publish('a', 'b', 'c');
        const { reader, leases } = await world.abandon('one', 2);
        await world.harness.elapse(300);
        await world.abandon('three', 1);
        const to = { consumer: 'two', minIdleMs: 250, ids };
        expect((await pending.claim(stream, group, to)).sort()).toEqual(ids.slice(0, 2));
        const found = await pending.list(stream, group, { ...ALL, consumer: 'two' });
        expect(found.map(({ id, delivered }) => [id, delivered])).toEqual([
          [ids[0], 1],
          [ids[1], 1],
        ]);
        expect(found[0]!.idleMs).toBeLessThan(250);
        expect(await reader.subscription.extend(leases)).toEqual(['lost', 'lost']);
        expect(await pending.claim(stream, group, { ...to, ids: ['1-0'] })).toEqual([]);
        expect(await pending.claim(stream, group, { ...to, ids: [] })).toEqual([]);
      });

      test('a running consumer takes up what was claimed for it', async () => {
        const ids = await world.publish('a');
        await world.abandon('one', 1);
        const reader = await world.reader('two');
        await pending.claim(stream, group, { consumer: 'two', minIdleMs: 0, ids });
        const [lease] = await reader.take(1);
        expect(lease).toMatchObject({ id: ids[0], charged: false });
      });

      test('an entry whose data is gone is dropped where it is claimed', async () => {
        if (!world.harness.trim) return skip('nothing is trimmed here');
        const ids = await world.publish('a', 'b');
        await world.abandon('one', 2);
        await world.harness.trim(stream, ids[0]!);
        expect(idsOf(await pending.list(stream, group, ALL))).toEqual(ids);
        expect(await report()).toMatchObject({ oldestPendingId: ids[0] });
        const to = { consumer: 'two', minIdleMs: 0, ids };
        expect(await pending.claim(stream, group, to)).toEqual([ids[1]]);
        expect(idsOf(await pending.list(stream, group, ALL))).toEqual([ids[1]]);
      });

      test('is acknowledged, with any owner, once', async () => {
        const ids = await world.publish('a', 'b', 'c');
        await world.abandon('one', 2);
        expect(await pending.acknowledge(stream, group, [])).toBe(0);
        expect(await pending.acknowledge(stream, group, ids)).toBe(2);
        expect(await pending.acknowledge(stream, group, ids)).toBe(0);
        expect(await pending.list(stream, group, ALL)).toEqual([]);
        expect((await report()).lag).toBe(1);
      });
    });

    test('after the source was closed, all of them are refused', async () => {
      const closing = await world.open();
      await closing.source.close();
      const { groups: closed, pending: entries } = closing;
      const attempts = [
        () => closed!.create(stream, group, { startId: '0', createStream: true }),
        () => closed!.delete(stream, group),
        () => closed!.describe([stream]),
        () => closed!.setPosition(stream, group, '0'),
        () => closed!.consumers(stream, group),
        () => closed!.removeConsumer(stream, group, 'one'),
        () => entries!.list(stream, group, ALL),
        () => entries!.claim(stream, group, { consumer: 'two', minIdleMs: 0, ids: ['1-0'] }),
        () => entries!.acknowledge(stream, group, ['1-0']),
      ];
      for (const attempt of attempts) {
        await expect(attempt()).rejects.toMatchObject({ code: 'CLOSED' });
      }
    });
  });
}
