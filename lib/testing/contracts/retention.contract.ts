import { expect } from '../running/expect.js';
import { port } from '../running/skipped.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverHarness, DriverSetup } from '../world/driver-harness.js';
import { ack } from '../../core/settlement.js';
import type { Lease } from '../../core/lease.js';
import type { SubscribeOptions } from '../../ports/subscription.js';
import type { Retention, Trimmed, TrimOrder } from '../../ports/retention.js';
import type { Reader } from '../world/reader.js';
import { IDLE, SourceWorld } from '../world/source-world.js';

/** Ids behind all others: one of each shape that a driver may have. */
const ENDS = ['18446744073709551615-0', '9223372036854775807', '9007199254740991'];
const MANY = Array.from({ length: 60 }, (_, index) => `v${index}`);

/** What every driver promises that deletes what is not kept: nothing that a group needs. */
export function retentionContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `retention contract: ${name}`, (tests) => {
    const { describe, test, beforeEach, afterEach } = tests;
    let harness: DriverHarness;
    let world: SourceWorld;
    let retention: Retention;

    beforeEach(async () => {
      harness = await setup();
      world = new SourceWorld(harness);
      retention = port(await world.driver(), 'retention');
    });
    afterEach(() => world.close());

    /** All portions, summed up. */
    async function trim(
      policy: TrimOrder['policy'],
      groups: readonly string[] = [],
    ): Promise<Omit<Trimmed, 'more'>> {
      let [count, lost] = [0, 0];
      const losers = new Set<string>();
      for (let more = true; more;) {
        const trimmed = await retention.trim(world.stream, { policy, groups });
        count += trimmed.count;
        lost += trimmed.lost;
        for (const group of trimmed.groups) losers.add(group);
        ({ more } = trimmed);
      }
      return { count, lost, groups: [...losers].sort() };
    }

    const end = async (): Promise<string> => {
      const { ids } = await world.driver();
      return ENDS.find((id) => ids.accepts(id))!;
    };
    const left = async (): Promise<number> =>
      (await retention.footprint(world.stream, await end()))!.before!;

    async function settle(reader: Reader, leases: readonly Lease[]): Promise<void> {
      for (const lease of leases) expect(await reader.settle(lease, ack)).toBe('settled');
    }

    /** A group that has settled the first entries. */
    async function settled(
      group: string,
      count: number,
      options: Partial<SubscribeOptions> = {},
    ): Promise<Reader> {
      const reader = await world.reader('A', { group, ...options });
      if (count > 0) await settle(reader, await reader.take(count));
      return reader;
    }

    const deleted = (count: number) => ({ count, lost: 0, groups: [] });

    test('leaves a stream alone that is missing, and one without groups', async () => {
      for (const policy of ['deleteWhenSettled', { maxLength: 1, allowLoss: true }] as const) {
        expect(await trim(policy)).toEqual(deleted(0));
      }
      expect(await retention.footprint(world.stream, await end())).toBeUndefined();
      await world.publish('a', 'b', 'c');
      for (const policy of ['deleteWhenSettled', { maxLength: 1, allowLoss: true }] as const) {
        expect(await trim(policy)).toEqual(deleted(0));
      }
      expect(await left()).toBe(3);
    });

    test('leaves a stream alone while one of our groups is missing from it', async () => {
      await world.publish('a', 'b');
      await settled('there', 2);
      expect(await trim('deleteWhenSettled', ['there', 'lost'])).toEqual(deleted(0));
      expect(await trim('deleteWhenSettled', ['there'])).toEqual(deleted(2));
    });

    test('waits for no group that was deleted on purpose', async () => {
      await world.publish('a', 'b');
      await settled('there', 2);
      await settled('unwanted', 0);
      const groups = port(await world.driver(), 'groups');
      expect(await groups.delete(world.stream, 'unwanted')).toBe(true);
      expect(await trim('deleteWhenSettled', ['there', 'unwanted'])).toEqual(deleted(2));
    });

    test('counts what stands before an id', async () => {
      const ids = await world.publish(...MANY);
      expect((await retention.footprint(world.stream, ids[7]!))!.before).toBe(7);
      expect((await retention.footprint(world.stream, undefined))!.before).toBe(0);
    });

    describe('deleteWhenSettled', () => {
      test('deletes what every group has settled, to the last entry', async () => {
        await world.publish(...MANY);
        await settled('one', MANY.length);
        const two = await settled('two', 20);
        expect(await trim('deleteWhenSettled')).toEqual(deleted(20));
        expect(await left()).toBe(MANY.length - 20);
        await settle(two, await two.take(MANY.length - 20));
        expect(await trim('deleteWhenSettled')).toEqual(deleted(MANY.length - 20));
        expect(await left()).toBe(0);
      });

      test('keeps what is pending to any consumer', async () => {
        await world.publish(...MANY);
        const { leases } = await world.abandon('dead', 10, { group: 'one', idleTimeout: IDLE });
        // It takes nothing over, however long it needs.
        await settled('one', 50, { idleTimeout: IDLE, reclaimInterval: 60_000 });
        // What has been settled behind it may go or stay: not every server can tell.
        expect(await trim('deleteWhenSettled')).toMatchObject({ lost: 0, groups: [] });
        expect(await left()).toBeGreaterThanOrEqual(10);
        const taking = await world.reader('B', { group: 'one', idleTimeout: IDLE });
        const taken = await taking.take(10);
        expect(taken.map(({ id }) => id)).toEqual(leases.map(({ id }) => id));
        for (const lease of taken) expect(await taking.begin(lease)).toBe('started');
        await settle(taking, taken.slice(0, 9));
        expect(await trim('deleteWhenSettled')).toMatchObject({ lost: 0, groups: [] });
        expect(await left()).toBeGreaterThanOrEqual(1);
        await settle(taking, taken.slice(9));
        await trim('deleteWhenSettled');
        expect(await left()).toBe(0);
      });

      test('keeps everything for a group that begins at 0 while it is under way', async () => {
        await world.publish(...MANY);
        await settled('one', MANY.length);
        const trimming = trim('deleteWhenSettled');
        const late = await settled('late', 0);
        const { count } = await trimming;
        await late.take(MANY.length - count);
        expect(await trim('deleteWhenSettled')).toEqual(deleted(0));
        expect(await left()).toBe(MANY.length - count);
      });

      test('goes on with what is published afterwards', async () => {
        const reader = await settled('one', 0);
        for (let round = 0; round < 3; round++) {
          await world.publish('a', 'b');
          await settle(reader, await reader.take(2));
          expect(await trim('deleteWhenSettled')).toEqual(deleted(2));
        }
      });
    });

    describe('maxLength', () => {
      test('deletes so many of the oldest that the rest is no longer than that', async () => {
        await world.publish(...MANY);
        await settled('one', MANY.length);
        expect(await trim({ maxLength: 7 })).toEqual(deleted(MANY.length - 7));
        expect(await trim({ maxLength: 7 })).toEqual(deleted(0));
        expect(await left()).toBe(7);
      });

      test('deletes nothing that is not settled', async () => {
        await world.publish(...MANY);
        await settled('one', MANY.length);
        await settled('two', 5);
        expect(await trim({ maxLength: 7 })).toEqual(deleted(5));
      });

      test('with allowLoss is a hard limit, and counts what was lost, and to whom', async () => {
        await world.publish(...MANY);
        await settled('settled', MANY.length);
        await settled('unread', 50);
        const reader = await world.reader('A', { group: 'holds' });
        const leases = await reader.take(MANY.length);
        await settle(
          reader,
          leases.filter((_, index) => index !== 10 && index !== 20),
        );
        const policy = { maxLength: 5, allowLoss: true };
        // Two that are held, and five of those that were not read.
        expect(await trim(policy)).toEqual({ count: 55, lost: 7, groups: ['holds', 'unread'] });
        expect(await left()).toBe(5);
        expect(await trim(policy)).toEqual(deleted(0));
      });
    });

    describe('maxAge', () => {
      test('deletes what is older and settled', async () => {
        await world.publish(...MANY.slice(0, 20));
        const reader = await settled('one', 10);
        await harness.elapse(600);
        await world.publish(...MANY.slice(20));
        expect(await trim({ maxAge: 500 })).toEqual(deleted(10));
        await settle(reader, await reader.take(MANY.length - 10));
        expect(await trim({ maxAge: 500 })).toEqual(deleted(10));
        expect(await left()).toBe(MANY.length - 20);
      });

      test('with allowLoss deletes all that is older, and counts it', async () => {
        await world.publish(...MANY.slice(0, 20));
        await settled('one', 15);
        await harness.elapse(600);
        await world.publish(...MANY.slice(20));
        const policy = { maxAge: 500, allowLoss: true };
        expect(await trim(policy)).toEqual({ count: 20, lost: 5, groups: ['one'] });
        expect(await left()).toBe(MANY.length - 20);
      });
    });
  });
}
