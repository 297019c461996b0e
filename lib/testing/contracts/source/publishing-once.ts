import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import type { OutgoingEntry } from '../../../core/message.js';
import { NEVER, entry, valueOf, type SourceWorld } from '../../world/source-world.js';

/** What an idempotency key promises: one message, however often and by whomever it is published. */
export function describePublishingOnce(
  { describe, test, beforeEach }: Tests,
  world: () => SourceWorld,
): void {
  for (const { window } of [{ window: NEVER }, { window: 'native' }] as const) {
    describe(`publishing with a key that is remembered for ${window}`, () => {
      beforeEach(() =>
        world().need(
          ({ idempotentPublish: can }) => can === true || (can === 'native' && window === 'native'),
          'deduplicate publishing',
        ),
      );

      const keyed = (key: string, value: string, stream = world().stream): OutgoingEntry => ({
        stream,
        fields: entry(value),
        idempotency: { key, window },
      });

      /** All that is in a stream, if there are as many as expected. */
      const values = async (count: number, stream = world().stream) => {
        await world().publishTo(stream, 'end');
        const reader = await world().reader('A', { streams: [stream] });
        const found = (await reader.take(count + 1)).map(valueOf);
        expect(found.pop()).toBe('end');
        return found;
      };

      test('again and again makes one message, and answers its id', async () => {
        const source = await world().source();
        const [first] = await source.publish([keyed('k', '1')]);
        expect(first).toBeTypeOf('string');
        expect(await source.publish([keyed('k', '1')])).toEqual([first]);
        expect(await source.publish([keyed('k', 'other')])).toEqual([first]);
        expect(await values(1)).toEqual(['1']);
      });

      test('from several connections makes one message', async () => {
        const sources = await Promise.all([1, 2, 3].map(async () => (await world().open()).source));
        const results = await Promise.all(sources.map((one) => one.publish([keyed('k', '1')])));
        expect(new Set(results.flat()).size).toBe(1);
        expect(await values(1)).toEqual(['1']);
      });

      test('in one batch makes one message, in the order of all others', async () => {
        const source = await world().source();
        const { stream } = world();
        const ids = await source.publish([
          { stream, fields: entry('1') },
          keyed('k', '2'),
          { stream, fields: entry('3') },
          keyed('k', 'again'),
          keyed('l', '4'),
        ]);
        expect(ids[3]).toBe(ids[1]);
        expect(new Set(ids).size).toBe(4);
        expect(await values(4)).toEqual(['1', '2', '3', '4']);
      });

      test('keeps the order of many, half of them with a key', async () => {
        const source = await world().source();
        const { stream } = world();
        const many = Array.from({ length: 250 }, (_, index) => String(index));
        await source.publish(
          many.map((value, index) =>
            index % 2 === 0 ? keyed(value, value) : { stream, fields: entry(value) },
          ),
        );
        expect(await values(250)).toEqual(many);
      });

      test('to other streams makes other messages', async () => {
        const source = await world().source();
        const other = world().harness.unique('other');
        const [here, there] = await source.publish([keyed('k', '1'), keyed('k', '2', other)]);
        expect(await source.publish([keyed('k', '1'), keyed('k', '2', other)])).toEqual([
          here,
          there,
        ]);
        expect(await values(1)).toEqual(['1']);
        expect(await values(1, other)).toEqual(['2']);
      });

      test('is apart under another key prefix', async () => {
        const source = await world().source();
        const prefixed = await world().open({ keyPrefix: 'apart:' });
        await source.publish([keyed('k', 'here')]);
        await prefixed.source.publish([keyed('k', 'there')]);
        const reader = await world().reader('A', { driver: prefixed });
        expect(valueOf(await reader.takeOne())).toBe('there');
      });

      test('tells any two keys apart', async () => {
        const source = await world().source();
        const keys = ['a', 'A', ' a', 'a b', 'a\r\n', 'a:b', '{a}', '}', '*', 'ü', '😀', '\u0000'];
        keys.push('x'.repeat(1024));
        const first = await source.publish(keys.map((key) => keyed(key, key)));
        expect(new Set(first).size).toBe(keys.length);
        expect(await source.publish(keys.map((key) => keyed(key, key)))).toEqual(first);
        expect(await values(keys.length)).toEqual(keys);
      });

      test('that was refused does not use up the key', async () => {
        const source = await world().source();
        const refused = { ...keyed('k', ''), fields: [] };
        const [refusal] = await source.publish([refused]);
        expect(refusal, 'the result of an entry without fields').toBeInstanceOf(Error);
        const [id] = await source.publish([keyed('k', '1')]);
        expect(id).toBeTypeOf('string');
        expect(await values(1)).toEqual(['1']);
      });
    });
  }

  test('a key is forgotten after its window, counted from the first publication', async () => {
    await world().need((can) => can.idempotentPublish === true, 'deduplicate publishing');
    const { stream, harness } = world();
    const source = await world().source();
    const publish = async (value: string) => {
      const fields = entry(value);
      const [id] = await source.publish([
        { stream, fields, idempotency: { key: 'k', window: 400 } },
      ]);
      return id;
    };
    const first = await publish('1');
    await harness.elapse(200);
    expect(await publish('again')).toBe(first);
    await harness.elapse(250);
    expect(await publish('2')).not.toBe(first);
    const reader = await world().reader('A');
    expect((await reader.take(2)).map(valueOf)).toEqual(['1', '2']);
  });
}
