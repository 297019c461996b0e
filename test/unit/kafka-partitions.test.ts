import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { murmur2 } from '../../lib/drivers/kafka/publishing/murmur2.js';
import { NextPartitions, partitionOfKey } from '../../lib/drivers/kafka/publishing/partition-of.js';

const inside = createRequire(import.meta.url);
const theirs = inside('kafkajs/src/producer/partitioners/default/murmur2') as (
  key: Buffer,
) => number;

/** As the tests of Kafka's Java client have them. */
const KNOWN: readonly (readonly [key: string, hash: number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

test.each(KNOWN)('the hash of %s is that of Java', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash);
});

test('keys of any bytes have the partitions of KafkaJS', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(murmur2(bytes)).toBe(theirs(Buffer.from(bytes)));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 300 }), (key, count) => {
      const partition = partitionOfKey(key, count);
      expect(partition).toBe((theirs(Buffer.from(key)) & 0x7fffffff) % count);
    }),
  );
});

test('each batch without keys has the next partition', () => {
  const partitions = new NextPartitions();
  const [one, two, three] = [partitions.next(), partitions.next(), partitions.next()];
  expect(one(4)).toBe(one(4));
  expect(new Set([one(3), two(3), three(3)]).size).toBe(3);
  expect(one(1)).toBe(0);
});
