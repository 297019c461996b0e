import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Redis } from 'ioredis';
import {
  ClosedError,
  ConsumerGroupManager,
  ConsumerHasPendingError,
  GroupNotFoundError,
  InvalidOptionsError,
  RedisStreamsModule,
  StreamNotFoundError,
  type RedisStreamsModuleOptions,
} from 'nestjs-redis-streams';
import { WrongKeyTypeError } from 'nestjs-redis-streams/driver';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { appModule } from '../../support/nest-app.js';

/** An application that has the module. Closed at the end, if not before. */
export async function open(options: RedisStreamsModuleOptions): Promise<INestApplicationContext> {
  const module = appModule({ imports: [RedisStreamsModule.forRoot({ group: 'g', ...options })] });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  onTestFinished(() => app.close());
  return app;
}

export interface Place {
  readonly options: () => RedisStreamsModuleOptions;
  /** Another program's client, and the key of a stream. */
  readonly at: (stream: string) => Promise<[client: Redis, key: string]>;
}

/** Every method, on one stream, group and consumer. */
export const calls = (groups: ConsumerGroupManager, stream: string, group = 'billing') => ({
  createGroup: () => groups.createGroup(stream, group),
  deleteGroup: () => groups.deleteGroup(stream, group),
  listGroups: () => groups.listGroups(stream),
  getGroupInfo: () => groups.getGroupInfo(stream, group),
  listConsumers: () => groups.listConsumers(stream, group),
  getPending: () => groups.getPending(stream, group),
  eachPending: () => groups.eachPending(stream, group).next(),
  setPosition: () => groups.setPosition(stream, group, '0'),
  removeConsumer: () => groups.removeConsumer(stream, group, 'gone'),
  claimStale: () => groups.claimStale(stream, group, { consumer: 'c', minIdleMs: 0 }),
});
export type Method = keyof ReturnType<typeof calls>;
export const METHODS = Object.keys(calls(undefined!, '')) as Method[];

let streams = 0;

/** What each method does, on the servers of a place. */
export function describeGroupManager(name: string, { options, at }: Place): void {
  describe(`ConsumerGroupManager on ${name}`, () => {
    let groups: ConsumerGroupManager;
    let stream: string;
    let client: Redis;
    let key: string;
    beforeEach(async () => {
      groups = (await open(options())).get(ConsumerGroupManager);
      stream = `orders-${++streams}`;
      [client, key] = await at(stream);
    });

    const publish = async (count: number): Promise<string[]> => {
      const ids: string[] = [];
      for (let n = 0; n < count; n++) ids.push((await client.xadd(key, '*', 'n', n))!);
      return ids;
    };
    const read = (consumer: string, count: number) =>
      client.xreadgroup('GROUP', 'billing', consumer, 'COUNT', count, 'STREAMS', key, '>');

    describe('createGroup(stream, group, { startId, mkstream })', () => {
      it('answers true where it created it, false where it existed', async () => {
        expect(await groups.createGroup(stream, 'billing')).toBe(true);
        expect(await groups.createGroup(stream, 'billing')).toBe(false);
        expect(await groups.createGroup(stream, 'shipping')).toBe(true);
        expect(await groups.listGroups(stream)).toEqual(['billing', 'shipping']);
      });

      it('of many at the same moment, in several processes, answers true to one', async () => {
        const other = (await open(options())).get(ConsumerGroupManager);
        const answers = await Promise.all(
          Array.from({ length: 20 }, (__, n) => (n % 2 ? groups : other).createGroup(stream, 'b')),
        );
        expect(answers.filter(Boolean)).toHaveLength(1);
      });

      it("begins at startId: '0' by default, '$', or an id", async () => {
        const ids = await publish(3);
        await groups.createGroup(stream, 'all');
        await groups.createGroup(stream, 'new', { startId: '$' });
        await groups.createGroup(stream, 'some', { startId: ids[0]! });
        const last = async (group: string) =>
          (await groups.getGroupInfo(stream, group)).lastDeliveredId;
        expect([await last('all'), await last('new'), await last('some')]).toEqual([
          '0-0',
          ids[2],
          ids[0],
        ]);
      });

      it('creates the stream, unless mkstream is false: StreamNotFoundError', async () => {
        const error = await failure(groups.createGroup(stream, 'billing', { mkstream: false }));
        expect(error).toBeInstanceOf(StreamNotFoundError);
        expect(error).toMatchObject({ code: 'STREAM_NOT_FOUND', stream });
        expect(await client.exists(key)).toBe(0);
        expect(await groups.createGroup(stream, 'billing')).toBe(true);
        expect(await client.type(key)).toBe('stream');
        expect(await groups.createGroup(stream, 'shipping', { mkstream: false })).toBe(true);
      });

      it.each(['', 'x', '1-', '-1', '1-2-3', '18446744073709551616', '>', 5])(
        'refuses %j as startId: InvalidOptionsError',
        async (startId) => {
          const attempt = groups.createGroup(stream, 'billing', { startId: startId as string });
          const error = await failure(attempt);
          expect(error).toBeInstanceOf(InvalidOptionsError);
          expect((error as Error).message).toContain('startId');
          expect(await client.exists(key)).toBe(0);
        },
      );
    });

    describe('deleteGroup(stream, group)', () => {
      it('answers true where it deleted it, with what was pending, and false where there was none', async () => {
        expect(await groups.deleteGroup(stream, 'billing')).toBe(false);
        await publish(2);
        expect(await groups.deleteGroup(stream, 'billing')).toBe(false);
        await groups.createGroup(stream, 'billing');
        await read('a', 2);
        expect(await groups.deleteGroup(stream, 'billing')).toBe(true);
        expect(await groups.deleteGroup(stream, 'billing')).toBe(false);
        await groups.createGroup(stream, 'billing');
        expect(await groups.getGroupInfo(stream, 'billing')).toMatchObject({
          pending: 0,
          consumers: 0,
          lastDeliveredId: '0-0',
        });
      });
    });

    describe('listGroups(stream)', () => {
      it('answers names, none where there are none; a stream that is missing is a StreamNotFoundError', async () => {
        const error = await failure(groups.listGroups(stream));
        expect(error).toBeInstanceOf(StreamNotFoundError);
        expect(error).toMatchObject({ stream });
        await publish(1);
        expect(await groups.listGroups(stream)).toEqual([]);
        await groups.createGroup(stream, 'a group: "ü"');
        expect(await groups.listGroups(stream)).toEqual(['a group: "ü"']);
      });
    });

    describe('getGroupInfo(stream, group)', () => {
      it('answers name, consumers, pending, lastDeliveredId, entriesRead, lag and the oldest pending age', async () => {
        const ids = await publish(3);
        await groups.createGroup(stream, 'billing');
        await read('a', 1);
        await read('b', 1);
        const info = await groups.getGroupInfo(stream, 'billing');
        expect(info).toEqual({
          name: 'billing',
          consumers: 2,
          pending: 2,
          lastDeliveredId: ids[1],
          entriesRead: 2,
          lag: 1,
          oldestPendingId: ids[0],
          oldestPendingAgeMs: expect.any(Number),
        });
        const [seconds, micros] = await client.time();
        const now = Number(seconds) * 1000 + Number(micros) / 1000;
        const age = now - Number(ids[0]!.split('-')[0]);
        expect(info.oldestPendingAgeMs).toBeLessThanOrEqual(age);
        expect(info.oldestPendingAgeMs).toBeGreaterThan(age - 5000);
      });

      it('says null where nothing is pending, and where the server does not know', async () => {
        const ids = await publish(3);
        // Deleted in the middle: a server cannot count what lies between any more.
        await client.xdel(key, ids[1]!);
        await groups.createGroup(stream, 'billing', { startId: ids[0]! });
        expect(await groups.getGroupInfo(stream, 'billing')).toMatchObject({
          entriesRead: null,
          lag: null,
          oldestPendingId: null,
          oldestPendingAgeMs: null,
        });
      });

      it('a group or a stream that is missing is a GroupNotFoundError', async () => {
        const first = await failure(groups.getGroupInfo(stream, 'billing'));
        await publish(1);
        const second = await failure(groups.getGroupInfo(stream, 'billing'));
        for (const error of [first, second]) {
          expect(error).toBeInstanceOf(GroupNotFoundError);
          expect(error).toMatchObject({ code: 'GROUP_NOT_FOUND', stream, group: 'billing' });
        }
      });
    });

    describe('what is pending', () => {
      it('getPending pages through it without a cap; eachPending goes through all', async () => {
        const ids = await publish(2500);
        await groups.createGroup(stream, 'billing');
        await read('a', 1200);
        await read('b', 1300);
        const all = { count: 100_000 };
        expect((await groups.getPending(stream, 'billing', all)).items).toHaveLength(2500);
        const first = await groups.getPending(stream, 'billing');
        expect(first.items).toHaveLength(100);
        expect(first.items[0]).toEqual({
          id: ids[0],
          consumer: 'a',
          idleMs: expect.any(Number),
          delivered: 1,
        });
        const seen: string[] = [];
        let start: string | undefined;
        do {
          const page = await groups.getPending(stream, 'billing', {
            count: 700,
            ...(start !== undefined && { start }),
          });
          seen.push(...page.items.map(({ id }) => id));
          start = page.next;
        } while (start !== undefined);
        expect(seen).toEqual(ids);
        const ofB: string[] = [];
        for await (const { id } of groups.eachPending(stream, 'billing', { consumer: 'b' })) {
          ofB.push(id);
        }
        expect(ofB).toEqual(ids.slice(1200));
        const idle = await groups.getPending(stream, 'billing', { minIdleMs: 60_000 });
        expect(idle).toEqual({ items: [] });
        const from = await groups.getPending(stream, 'billing', { start: ids[2499]! });
        expect(from.items.map(({ id }) => id)).toEqual([ids[2499]]);
      });

      it('claimStale hands over what is idle, uncharged, at most so many', async () => {
        const ids = await publish(4);
        await groups.createGroup(stream, 'billing');
        await read('dead', 3);
        await read('alive', 1);
        await client.xclaim(
          key,
          'billing',
          'dead',
          0,
          ...ids.slice(0, 3),
          'IDLE',
          60_000,
          'JUSTID',
        );
        const stale = { consumer: 'alive', minIdleMs: 30_000 };
        expect(await groups.claimStale(stream, 'billing', { ...stale, count: 2 })).toEqual(
          ids.slice(0, 2),
        );
        expect(await groups.claimStale(stream, 'billing', stale)).toEqual([ids[2]]);
        expect(await groups.claimStale(stream, 'billing', stale)).toEqual([]);
        const { items } = await groups.getPending(stream, 'billing');
        expect(items.map(({ consumer, delivered }) => [consumer, delivered])).toEqual(
          ids.map(() => ['alive', 1]),
        );
      });
    });

    it('setPosition moves the group', async () => {
      const ids = await publish(3);
      await groups.createGroup(stream, 'billing');
      for (const [id, expected] of [
        ['$', ids[2]],
        ['0', '0-0'],
        [ids[1]!, ids[1]],
      ] as const) {
        await groups.setPosition(stream, 'billing', id);
        const { lastDeliveredId } = await groups.getGroupInfo(stream, 'billing');
        expect(lastDeliveredId).toBe(expected);
      }
    });

    it('removeConsumer refuses while entries are pending, unless they are handed over', async () => {
      const ids = await publish(1500);
      await groups.createGroup(stream, 'billing');
      await read('gone', 1500);
      const error = await failure(groups.removeConsumer(stream, 'billing', 'gone'));
      expect(error).toBeInstanceOf(ConsumerHasPendingError);
      expect(error).toMatchObject({
        code: 'CONSUMER_HAS_PENDING',
        stream,
        group: 'billing',
        consumer: 'gone',
        pending: 1500,
      });
      expect(await groups.listConsumers(stream, 'billing')).toMatchObject([
        { name: 'gone', pending: 1500 },
      ]);
      const to = { handOverTo: 'heir' };
      expect(await groups.removeConsumer(stream, 'billing', 'gone', to)).toBe(1500);
      expect(await groups.removeConsumer(stream, 'billing', 'gone', to)).toBe(0);
      const consumers = await groups.listConsumers(stream, 'billing');
      expect(consumers).toEqual([
        {
          name: 'heir',
          pending: 1500,
          idleMs: expect.any(Number),
          inactiveMs: consumers[0]!.inactiveMs,
        },
      ]);
      const { items } = await groups.getPending(stream, 'billing', { count: 2000 });
      expect(items.map(({ id }) => id)).toEqual(ids);
    });

    it.each([
      'listConsumers',
      'getPending',
      'eachPending',
      'setPosition',
      'removeConsumer',
      'claimStale',
    ] as const)(
      '%s: what is missing is a StreamNotFoundError or GroupNotFoundError',
      async (name) => {
        const error = await failure(calls(groups, stream)[name]());
        expect(error).toBeInstanceOf(StreamNotFoundError);
        await publish(1);
        expect(await failure(calls(groups, stream)[name]())).toBeInstanceOf(GroupNotFoundError);
      },
    );

    it.each(METHODS)('%s: a key of another type is a WrongKeyTypeError', async (name) => {
      await client.set(key, 'no stream');
      const error = await failure(calls(groups, stream)[name]());
      expect(error).toBeInstanceOf(WrongKeyTypeError);
      expect(error).toMatchObject({ code: 'WRONG_KEY_TYPE', key });
      expect(await client.get(key)).toBe('no stream');
    });

    it('after the application was closed, all of them fail with a ClosedError', async () => {
      const app = await open(options());
      const closed = app.get(ConsumerGroupManager);
      await app.close();
      for (const name of METHODS) {
        expect(await failure(calls(closed, stream)[name]()), name).toBeInstanceOf(ClosedError);
      }
    });
  });
}

/** What a promise rejects with. */
export async function failure(attempt: Promise<unknown>): Promise<unknown> {
  try {
    await attempt;
  } catch (error) {
    return error;
  }
  throw new Error('It did not fail');
}
