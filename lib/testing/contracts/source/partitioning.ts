import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import { skip } from '../../running/skipped.js';
import type { Lease } from '../../../core/lease.js';
import type { OutgoingEntry } from '../../../core/message.js';
import { ack } from '../../../core/settlement.js';
import { entry, valueOf, type SourceWorld } from '../../world/source-world.js';

/** Partitions of the streams of these tests. */
const COUNT = 3;
const KEYS = [
  'a',
  'A',
  '',
  ' ',
  'a b',
  'a\r\n',
  '__proto__',
  'ü',
  '😀',
  '\u0000',
  'x'.repeat(1024),
];

/** What `key` and `partition` of an entry promise. */
export function describePartitioning({ describe, test }: Tests, world: () => SourceWorld): void {
  const sent = (value: string, more: Partial<OutgoingEntry> = {}): OutgoingEntry => ({
    ...{ stream: world().stream, fields: entry(value) },
    ...more,
  });
  const needPartitions = () =>
    world().need(({ partitionedPublish: can }) => can === true, 'publish to partitions');

  /** Makes the stream of the test with several partitions. */
  async function makePartitions(): Promise<void> {
    await needPartitions();
    const { harness, stream } = world();
    if (!harness.makePartitions) skip('the harness makes no streams with several partitions');
    await harness.makePartitions(stream, COUNT);
  }

  /** Values of leases by what this returns for each. */
  function valuesBy(leases: readonly Lease[], of: (lease: Lease) => string | undefined) {
    const values = new Map<string | undefined, string[]>();
    for (const lease of leases)
      values.set(of(lease), [...(values.get(of(lease)) ?? []), valueOf(lease)!]);
    return values;
  }

  describe('keys and partitions', () => {
    test('a key changes nothing where streams have no partitions', async () => {
      await world().need(({ partitionedPublish: can }) => can !== true, 'lack partitions');
      const reader = await world().reader('A');
      await world().publishAll([sent('1', { key: 'k' }), sent('2'), sent('3', { key: '' })]);
      expect((await reader.take(3)).map(valueOf)).toEqual(['1', '2', '3']);
    });

    test('leases have the key of their message', async () => {
      await needPartitions();
      const reader = await world().reader('A');
      await world().publishAll([...KEYS.map((key) => sent(key, { key })), sent('none')]);
      const leases = await reader.take(KEYS.length + 1);
      const keys = new Map(leases.map((lease) => [valueOf(lease), lease.key]));
      expect(keys).toEqual(
        new Map([...KEYS.map((key) => [key, key] as const), ['none', undefined]]),
      );
    });

    test('messages with one key are in one partition, in order, and keys are spread', async () => {
      await makePartitions();
      const keys = Array.from({ length: 30 }, (_, at) => `key-${at}`);
      const reader = await world().reader('A');
      const other = (await world().open()).source;
      await world().publishAll(keys.map((key) => sent('1', { key })));
      await other.publish(keys.flatMap((key) => [sent('2', { key }), sent('3', { key })]));
      await world().publishAll(keys.toReversed().map((key) => sent('4', { key })));
      const leases = await reader.take(4 * keys.length);
      expect(new Set(valuesBy(leases, ({ key }) => key).keys())).toEqual(new Set(keys));
      for (const values of valuesBy(leases, ({ key }) => key).values())
        expect(values).toEqual(['1', '2', '3', '4']);
      const places = new Set(leases.map(({ key, partition }) => `${key} in ${partition}`));
      expect(places.size, 'places of keys').toBe(keys.length);
      expect(new Set(leases.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    });

    test('a message goes to the partition that it names, with any key', async () => {
      await makePartitions();
      const reader = await world().reader('A');
      const all = [0, 1, 2, 0, 1, 2];
      await world().publishAll(all.map((partition) => sent(`p${partition}`, { partition })));
      await world().publishAll(
        all.map((partition) => sent(`p${partition}`, { partition, key: 'same' })),
      );
      const leases = await reader.take(12);
      const found = [...valuesBy(leases, ({ partition }) => partition).values()];
      expect(found.map((values) => new Set(values).size)).toEqual([1, 1, 1]);
      expect(found.map(({ length }) => length)).toEqual([4, 4, 4]);
      expect(leases.filter(({ key }) => key === 'same')).toHaveLength(6);
    });

    test('a partition that is not there is refused, which does not hide the fate of the others', async () => {
      await makePartitions();
      const reader = await world().reader('A');
      const source = await world().source();
      const results = await source.publish([
        sent('1', { partition: 0 }),
        sent('2', { partition: COUNT }),
        sent('3', { partition: 0 }),
      ]);
      expect(results[1]).toBeInstanceOf(Error);
      expect([results[0], results[2]]).toEqual([expect.any(String), expect.any(String)]);
      expect((await reader.take(2)).map(valueOf)).toEqual(['1', '3']);
    });

    test('what is published with a settlement has its key and its partition', async () => {
      await makePartitions();
      const reader = await world().reader('A');
      const same = { key: 'same' };
      await world().publishAll([sent('first', same), sent('of 0', { partition: 0 })]);
      const before = await reader.take(2);
      const first = before.find((lease) => valueOf(lease) === 'first')!;
      const of0 = before.find((lease) => valueOf(lease) === 'of 0')!;
      const publish = [
        sent('next', { key: 'same' }),
        sent('other', { key: 'other' }),
        sent('next of 0', { partition: 0, key: 'x' }),
      ];
      expect(await reader.settle(first, { ...ack, publish })).toBe('settled');
      const followed = new Map((await reader.take(3)).map((lease) => [valueOf(lease), lease]));
      expect(followed.get('next')).toMatchObject({ key: 'same', partition: first.partition });
      expect(followed.get('other')).toMatchObject({ key: 'other' });
      expect(followed.get('next of 0')).toMatchObject({ key: 'x', partition: of0.partition });
    });
  });
}
