import { expect } from '../running/expect.js';
import { port } from '../running/skipped.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverHarness, DriverSetup } from '../world/driver-harness.js';
import type { DelayStore, Promoted } from '../../ports/delays.js';
import type { Lease } from '../../core/lease.js';
import type { When } from '../../core/message.js';
import { ack } from '../../core/settlement.js';
import { until } from '../running/until.js';
import { entry, SourceWorld, valueOf } from '../world/source-world.js';

/** Longer than any test. */
const LATER = 60_000;
/** To be waited for. */
const SOON = 60;

/** What every delay store promises, and settlements that delay. */
export function delaysContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `delays contract: ${name}`, (tests) => {
    const { describe, test, beforeEach, afterEach, onTestFinished } = tests;
    let harness: DriverHarness;
    let world: SourceWorld;
    let delays: DelayStore;
    let stream: string;

    beforeEach(async () => {
      harness = await setup();
      world = new SourceWorld(harness);
      ({ stream } = world);
      delays = port(await world.driver(), 'delays');
    });
    afterEach(() => world.close());

    const delayed = (value: string, when: When, to = stream) => ({
      stream: to,
      fields: entry(value),
      when,
    });

    /** Stores values, due in so long, and answers their ids. */
    async function schedule(ms: number, ...values: string[]): Promise<string[]> {
      const results = await delays.schedule(values.map((value) => delayed(value, { in: ms })));
      for (const result of results) expect(result).toMatch(/^delayed-./);
      return results as string[];
    }

    async function promote(of = stream): Promise<Promoted> {
      const [result] = await delays.promote([of]);
      if (result instanceof Error) throw result;
      return result!;
    }

    /** All that is in a stream. */
    async function published(of = stream): Promise<(string | undefined)[]> {
      const end = harness.unique('end');
      await world.publishTo(of, end);
      const reader = await world.reader(harness.unique('reader'), {
        streams: [of],
        group: harness.unique('group'),
      });
      const found: (string | undefined)[] = [];
      while (found.at(-1) !== end) found.push(valueOf(await reader.takeOne()));
      return found.filter((value) => !value?.startsWith('end'));
    }

    const waiting = async (of = stream) =>
      (await delays.list(of, 1000)).items.map(({ fields }) => fields[3]);

    describe('a listener', () => {
      /** Streams that he was told of, from when he listens on. */
      async function listen(): Promise<string[]> {
        const { delays: others } = await world.open();
        const told: string[] = [];
        const tell = (of: string) => void told.push(of);
        if (others!.watch) {
          onTestFinished(others!.watch(tell));
          return told;
        }
        const hints = others!.hints!(tell);
        onTestFinished(() => hints.close());
        hints.follow([stream]);
        await until('he listens', () => told.length > 0);
        hints.follow([`${stream}-2`]);
        await until('he listens', async () => {
          await delays.schedule([delayed('x', { in: 0 }, `${stream}-2`)]);
          await delays.promote([`${stream}-2`]);
          return told.includes(`${stream}-2`);
        });
        told.length = 0;
        return told;
      }

      test('is told of what is due before the next look', async () => {
        const told = await listen();
        const tellsOf = async (action: string, act: () => Promise<unknown>) => {
          told.length = 0;
          await act();
          await until(`he is told of ${action}`, () => told.includes(stream));
        };
        await schedule(LATER, 'later');
        await tellsOf('a message', () => schedule(SOON, 'soon'));
        // Else the next one may be due after it, on a slow machine, and is nothing to tell of.
        await harness.elapse(SOON + 1);
        await promote();
        const [id] = await schedule(LATER, 'moved');
        await tellsOf('another time', () => delays.reschedule(stream, id!, { in: 20 }));
        await harness.elapse(SOON + 1);
        await promote();
        const reader = await world.reader('A', { streams: [`${stream}-2`] });
        await world.publishTo(`${stream}-2`, 'first');
        const lease = await reader.takeOne();
        const publish = [delayed('next', { in: 10 })];
        await tellsOf('a next step', () => reader.settle(lease, { ...ack, publish }));
      });
    });

    describe('schedule and promote', () => {
      test('an entry is in its stream when it is due, and not before', async () => {
        await schedule(SOON, 'soon');
        const early = await promote();
        expect(early).toMatchObject({ moved: 0, lost: 0 });
        expect(early.nextIn).toBeGreaterThan(0);
        expect(early.nextIn).toBeLessThanOrEqual(SOON);
        expect(await published()).toEqual([]);
        await harness.elapse(SOON + 1);
        expect(await promote()).toEqual({ moved: 1, lost: 0, nextIn: undefined });
        expect(await promote()).toEqual({ moved: 0, lost: 0, nextIn: undefined });
        expect(await published()).toEqual(['soon']);
      });

      test('nothing waits in an unknown stream', async () => {
        expect(await promote()).toEqual({ moved: 0, lost: 0, nextIn: undefined });
      });

      test('times of day are those of the server, and those past are due', async () => {
        const now = harness.now();
        await delays.schedule([
          delayed('past', { at: now - 5000 }),
          delayed('epoch', { at: 0 }),
          delayed('far', { at: now + LATER }),
        ]);
        const { moved, nextIn } = await promote();
        expect(moved).toBe(2);
        expect(nextIn).toBeGreaterThan(LATER - 20_000);
        expect(nextIn).toBeLessThanOrEqual(LATER + 20_000);
        expect(await published()).toEqual(['epoch', 'past']);
        expect(await waiting()).toEqual(['far']);
      });

      test('the order is that of due times, and of equal ones that of storing', async () => {
        const at = harness.now() - 100_000;
        const many = Array.from({ length: 250 }, (_, index) => `same-${index}`);
        await delays.schedule([
          delayed('third', { at: at + 2 }),
          ...many.map((value) => delayed(value, { at: at + 1 })),
          delayed('first', { at }),
        ]);
        await delays.schedule([delayed('same-late', { at: at + 1 })]);
        expect((await promote()).moved).toBe(253);
        expect(await published()).toEqual(['first', ...many, 'same-late', 'third']);
      });

      test('many are moved in bounded steps, none twice, by several at once', async () => {
        const others = await Promise.all(
          [1, 2].map(async () => port(await world.open(), 'delays')),
        );
        const many = Array.from({ length: 2203 }, (_, index) => String(index));
        await delays.schedule(many.map((value) => delayed(value, { at: index(value) })));
        const first = await promote();
        expect(first.moved).toBeGreaterThan(0);
        expect(first.moved).toBeLessThan(2203);
        expect(first.nextIn).toBe(0);
        let moved = first.moved;
        while (moved < 2203) {
          const steps = await Promise.all(others.map((one) => one.promote([stream])));
          for (const [step] of steps) moved += (step as Promoted).moved;
        }
        expect(moved).toBe(2203);
        expect(await promote()).toEqual({ moved: 0, lost: 0, nextIn: undefined });
        expect(await published()).toEqual(many);
      });

      test('large ones are moved few at a time', async () => {
        const large = 'x'.repeat(400_000);
        await delays.schedule(Array.from({ length: 60 }, () => delayed(large, { at: 1 })));
        let moved = 0;
        for (let steps = 0; moved < 60; steps++) {
          moved += (await promote()).moved;
          expect(steps).toBeLessThan(60);
        }
      });

      test('each stream has its own, and one answer in their order', async () => {
        const [other, third] = [harness.unique('other'), harness.unique('third')];
        await delays.schedule([
          delayed('here', { at: 1 }),
          delayed('there', { at: 1 }, other),
          delayed('later', { in: LATER }, third),
        ]);
        const results = (await delays.promote([third, stream, other])) as Promoted[];
        expect(results.map(({ moved }) => moved)).toEqual([0, 1, 1]);
        expect(results[0]!.nextIn).toBeGreaterThan(0);
        expect(await published()).toEqual(['here']);
        expect(await published(other)).toEqual(['there']);
        await delays.cancel(third, (await delays.list(third, 1)).items[0]!.id);
      });

      test('a busy stream leaves room for others', async () => {
        const other = harness.unique('other');
        await delays.schedule([
          ...Array.from({ length: 1000 }, () => delayed('busy', { at: 1 })),
          delayed('other', { at: 2 }, other),
        ]);
        const results = (await delays.promote([stream, other])) as Promoted[];
        expect(results[1]!.moved).toBe(1);
      });

      test('any fields come out as they went in', async () => {
        const fields = [
          '',
          '',
          'ü',
          '😀\u0000\r\n',
          'a',
          '1',
          'a',
          '2',
          'number',
          '12345678901234567890',
        ];
        await delays.schedule([{ stream, fields, when: { at: 1 } }]);
        expect((await delays.list(stream, 1)).items[0]!.fields).toEqual(fields);
        await promote();
        const reader = await world.reader('A');
        expect((await reader.takeOne()).fields).toEqual(fields);
      });

      test('what is not an entry is refused, and the others are stored', async () => {
        const results = await delays.schedule([
          { ...delayed('', { in: LATER }), fields: [] },
          delayed('good', { in: LATER }),
          { ...delayed('', { in: LATER }), fields: ['odd'] },
        ]);
        expect(results).toEqual([expect.any(Error), expect.any(String), expect.any(Error)]);
        expect(await waiting()).toEqual(['good']);
      });

      test('under another key prefix are others', async () => {
        const apart = port(await world.open({ keyPrefix: 'apart:' }), 'delays');
        await schedule(LATER, 'here');
        expect((await apart.list(stream, 10)).items).toEqual([]);
        expect(await apart.promote([stream])).toEqual([{ moved: 0, lost: 0, nextIn: undefined }]);
      });
    });

    describe('with an idempotency key', () => {
      const keyed = (value: string, when: When, window = LATER) => ({
        ...delayed(value, when),
        idempotency: { key: 'k', window },
      });

      test('one is stored, however often and from wherever', async () => {
        const other = port(await world.open(), 'delays');
        const [first, same] = await delays.schedule([
          keyed('1', { in: LATER }),
          keyed('again', { in: 1 }),
        ]);
        expect(first).toMatch(/^delayed-/);
        expect(same).toBe(first);
        expect(await other.schedule([keyed('again', { at: 1 })])).toEqual([first]);
        expect(await waiting()).toEqual(['1']);
      });

      test('it is the same key as that of publishing at once', async () => {
        const source = await world.source();
        const { when, ...atOnce } = keyed('1', { in: LATER });
        const [id] = await delays.schedule([{ ...atOnce, when }]);
        expect(await source.publish([atOnce])).toEqual([id]);
        const other = { ...atOnce, idempotency: { key: 'other', window: LATER } };
        const [published] = await source.publish([other]);
        expect(await delays.schedule([{ ...other, when }])).toEqual([published]);
        expect(await waiting()).toEqual(['1']);
      });

      test('the window begins when it is due', async () => {
        const [first] = await delays.schedule([keyed('1', { in: 300 }, 300)]);
        await harness.elapse(400);
        expect(await delays.schedule([keyed('again', { in: 1 }, 300)])).toEqual([first]);
        await harness.elapse(250);
        expect(await delays.schedule([keyed('2', { in: LATER }, 300)])).not.toEqual([first]);
      });
    });

    describe('list', () => {
      test('tells all that waits, soonest first', async () => {
        const at = harness.now() + LATER;
        const ids = await delays.schedule([
          delayed('second', { at: at + 1 }),
          delayed('first', { at }),
        ]);
        expect(await delays.list(stream, 10)).toEqual({
          items: [
            { id: ids[1], dueAt: at, fields: entry('first') },
            { id: ids[0], dueAt: at + 1, fields: entry('second') },
          ],
        });
      });

      for (const limit of [1, 2, 3, 7, 100]) {
        test(`pages of ${limit} hold all, once each`, async () => {
          const at = harness.now() + LATER;
          const values = ['0', '1', '2', '3', '4', '5', '6'];
          // Equal due times, too.
          await delays.schedule(
            values.map((value, index) => delayed(value, { at: at + (index >> 2) })),
          );
          const found: (string | undefined)[] = [];
          let after: string | undefined;
          do {
            const page = await delays.list(stream, limit, after);
            expect(page.items.length).toBeLessThanOrEqual(limit);
            found.push(...page.items.map(({ fields }) => fields[3]));
            after = page.next;
          } while (after !== undefined);
          expect(found).toEqual(values);
        });
      }

      test('goes on behind a message that is gone', async () => {
        const at = harness.now() + LATER;
        await delays.schedule(['0', '1', '2', '3'].map((value) => delayed(value, { at })));
        const { items, next } = await delays.list(stream, 2);
        await delays.cancel(stream, items[1]!.id);
        const rest = await delays.list(stream, 10, next);
        expect(rest.items.map(({ fields }) => fields[3])).toEqual(['2', '3']);
      });
    });

    describe('cancel and reschedule', () => {
      test('what is cancelled is not published', async () => {
        const [first] = await schedule(SOON, 'first', 'second');
        expect(await delays.cancel(stream, first!)).toBe(true);
        expect(await delays.cancel(stream, first!)).toBe(false);
        await harness.elapse(SOON + 1);
        expect((await promote()).moved).toBe(1);
        expect(await published()).toEqual(['second']);
      });

      test('what is rescheduled is due then, under its id', async () => {
        const [soon, late] = [
          ...(await schedule(SOON, 'to be late')),
          ...(await schedule(LATER, 'to be soon')),
        ];
        expect(await delays.reschedule(stream, soon!, { in: 2 * LATER })).toBe(true);
        expect(await delays.reschedule(stream, late!, { at: harness.now() - 30_000 })).toBe(true);
        await harness.elapse(SOON + 1);
        expect((await promote()).moved).toBe(1);
        expect(await published()).toEqual(['to be soon']);
        expect((await delays.list(stream, 10)).items).toMatchObject([{ id: soon }]);
      });

      test('what was published, never was, or is another kind of id is not there', async () => {
        const [id] = await schedule(1, 'gone');
        await harness.elapse(2);
        await promote();
        for (const unknown of [
          id!,
          'delayed-0000000000000000',
          '1-0',
          '',
          'last',
          'delayed-last',
        ]) {
          expect(await delays.cancel(stream, unknown)).toBe(false);
          expect(await delays.reschedule(stream, unknown, { in: 1 })).toBe(false);
        }
        expect(await promote()).toEqual({ moved: 0, lost: 0, nextIn: undefined });
      });
    });

    describe('settling with messages for later', () => {
      async function taken(): Promise<Lease> {
        await world.publish('cause');
        return (await world.reader('A')).takeOne();
      }
      const settle = async (lease: Lease, ...publish: ReturnType<typeof delayed>[]) =>
        (await world.source()).settle([{ lease, settlement: { ...ack, publish } }]);

      test('they wait from the acknowledgement on, beside those published at once', async () => {
        const lease = await taken();
        const next = harness.unique('next');
        const { when, ...atOnce } = delayed('now', { in: 1 }, next);
        const source = await world.source();
        const settlement = {
          ...ack,
          publish: [
            delayed('later', { in: LATER }, next),
            atOnce,
            delayed('past', { at: 1 }, next),
            delayed('own stream', { in: LATER }),
          ],
        };
        expect(when).toBeDefined();
        expect(await source.settle([{ lease, settlement }])).toEqual(['settled']);
        expect(await waiting(next)).toEqual(['past', 'later']);
        expect(await waiting()).toEqual(['own stream']);
        expect((await promote(next)).moved).toBe(1);
        expect(await published(next)).toEqual(['now', 'past']);
      });

      test('a second time they are not stored again', async () => {
        const lease = await taken();
        expect(await settle(lease, delayed('later', { in: LATER }))).toEqual(['settled']);
        expect(await settle(lease, delayed('later', { in: LATER }))).toEqual(['gone']);
        expect(await waiting()).toEqual(['later']);
      });

      test('a run that has lost its entry stores nothing', async () => {
        await world.publish('cause');
        const { leases } = await world.abandon('A', 1, { idleTimeout: SOON });
        await harness.elapse(2 * SOON);
        const thief = await world.reader('B', { idleTimeout: SOON });
        await thief.takeOne();
        expect(await settle(leases[0]!, delayed('stale', { in: LATER }))).toEqual(['lost']);
        expect(await waiting()).toEqual([]);
      });
    });
  });
}

/** A due time long past. */
const index = (value: string): number => Number(value) + 1;
