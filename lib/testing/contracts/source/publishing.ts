import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import type { Fields } from '../../../core/message.js';
import { ack } from '../../../core/settlement.js';
import { entry, valueOf, type SourceWorld } from '../../world/source-world.js';

/** What every source refuses. */
const NO_ENTRIES: readonly (readonly [string, Fields])[] = [
  ['without fields', []],
  ['with a name that has no value', ['payload', 'one', 'odd']],
];

export function describePublishing({ describe, test }: Tests, world: () => SourceWorld): void {
  describe('publishing', () => {
    test('answers one id per entry, unique within the stream', async () => {
      await world().reader('A');
      const first = await world().publish('a', 'b', 'c');
      const second = await world().publish('d');
      expect(new Set([...first, ...second]).size).toBe(4);
    });

    test('the ids it answers are those that readers see', async () => {
      const reader = await world().reader('A');
      const ids = await world().publish('a', 'b');
      expect((await reader.take(2)).map(({ id }) => id)).toEqual(ids);
    });

    test('the driver accepts its ids, and knows their order', async () => {
      await world().reader('A');
      const published = [...(await world().publish('a', 'b')), ...(await world().publish('c'))];
      const { ids } = await world().driver();
      for (const id of published) expect(ids.accepts(id)).toBe(true);
      expect(published.toSorted((a, b) => -ids.compare(a, b))).toEqual(published.toReversed());
      expect(ids.compare(published[0]!, published[0]!)).toBe(0);
      for (const other of ['', '$', 'no id', `${published[0]!} `]) {
        expect(ids.accepts(other)).toBe(false);
      }
    });

    test('keeps the order within a stream, in a batch and over batches', async () => {
      const values = Array.from({ length: 300 }, (_, index) => `v${index}`);
      const reader = await world().reader('A');
      await world().publish(...values.slice(0, 100));
      for (const value of values.slice(100, 150)) await world().publish(value);
      await world().publish(...values.slice(150));
      expect((await reader.take(300)).map(valueOf)).toEqual(values);
    });

    test('appends each entry of a batch to its own stream', async () => {
      const { stream } = world();
      const other = world().harness.unique('other');
      const here = await world().reader('A');
      const there = await world().reader('A', { streams: [other] });
      await world().publishAll([
        { stream, fields: entry('1') },
        { stream: other, fields: entry('2') },
        { stream, fields: entry('3') },
      ]);
      expect((await here.take(2)).map(valueOf)).toEqual(['1', '3']);
      expect((await there.takeOne()).stream).toBe(other);
      await there.expectNothing(100);
    });

    for (const [what, fields] of NO_ENTRIES) {
      test(`an entry ${what} is refused, which does not hide the fate of the others`, async () => {
        const { stream } = world();
        const source = await world().source();
        const reader = await world().reader('A');
        const results = await source.publish([
          { stream, fields: entry('1') },
          { stream, fields },
          { stream, fields: entry('3') },
        ]);
        const [first, refused, third] = results;
        expect(refused, `the result of the entry ${what}`).toBeInstanceOf(Error);
        expect([first, third], 'the ids of the entries around it').toEqual([
          expect.any(String),
          expect.any(String),
        ]);
        expect((await reader.take(2)).map(({ id }) => id)).toEqual([first, third]);
      });
    }

    test('an empty batch is nothing', async () => {
      const source = await world().source();
      expect(await source.publish([])).toEqual([]);
    });

    test('gives entries the time at which they were published', async () => {
      const before = world().harness.now();
      const ofHarness = 'now() of the harness has to be in milliseconds since the epoch';
      expect(before, ofHarness).toBeGreaterThan(Date.UTC(2000, 0, 1));
      const reader = await world().reader('A');
      await world().publish('a');
      const { publishedAt } = await reader.takeOne();
      const what = 'publishedAt, in milliseconds since the epoch';
      expect(publishedAt, what).toBeGreaterThanOrEqual(before - 2000);
      expect(publishedAt, what).toBeLessThanOrEqual(world().harness.now() + 2000);
    });

    test('later changes to what was handed in change nothing', async () => {
      const fields = ['event_type', 'test', 'payload', 'before'];
      const source = await world().source();
      const reader = await world().reader('A');
      await source.publish([{ stream: world().stream, fields }]);
      fields[3] = 'after';
      expect(valueOf(await reader.takeOne())).toBe('before');
    });

    test('a key prefix is a world of its own', async () => {
      const prefixed = await world().open({ keyPrefix: 'apart:' });
      const here = await world().reader('A');
      const there = await world().reader('A', { driver: prefixed });
      await prefixed.source.publish([{ stream: world().stream, fields: entry('there') }]);
      await world().publish('here');
      expect((await here.takeOne()).stream).toBe(world().stream);
      await here.expectNothing(100);
      const lease = await there.takeOne();
      expect(valueOf(lease)).toBe('there');
      expect(lease.stream, 'streams are named without the prefix').toBe(world().stream);
      const publish = [{ stream: world().stream, fields: entry('next') }];
      expect(await there.settle(lease, { ...ack, publish })).toBe('settled');
      expect(valueOf(await there.takeOne())).toBe('next');
      await here.expectNothing(100);
    });
  });

  describe('fields', () => {
    for (const [name, fields] of [
      ['empty texts', ['', '', 'empty', '']],
      ['odd names', ['a b', '1', '__proto__', '2', 'constructor', '3', '*', '4', '>', '5']],
      ['line ends and control characters', ['a\r\nb', '\u0000\u0001\r\n$3\r\n', 'tab\t', '\n']],
      ['all of Unicode', ['naïve', '😀 \u{10ffff} ￾', 'עברית', '中文']],
      ['one name twice', ['same', '1', 'same', '2']],
      ['a large value', ['large', 'ü'.repeat(50_000)]],
      ['many fields', Array.from({ length: 200 }, (_, index) => `n${index}`)],
    ] as const) {
      test(`come back as they were: ${name}`, async () => {
        const source = await world().source();
        const reader = await world().reader('A');
        await source.publish([{ stream: world().stream, fields }]);
        expect((await reader.takeOne()).fields).toEqual(fields);
      });
    }
  });
}
