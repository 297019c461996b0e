import { array, assert, constantFrom, nat, oneof, pre, property, string, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BEGINNING,
  OFFSET_IDS,
  messageId,
  placeOf,
  refuseStartId,
} from '../../lib/drivers/kafka/ids/message-ids.js';
import { groupIn, Names, settlingId, topicOf } from '../../lib/drivers/kafka/names/names.js';

/** Letters that mean something in Kafka, in escaped names, or in names of this driver. */
const LETTERS = [
  ...[
    'a',
    'B',
    '7',
    '-',
    '_',
    '__',
    '.',
    '..',
    'x',
    '-x',
    '-xx-',
    '-xx',
    'xx-',
    '/',
    ':',
    ' ',
    '\0',
  ],
  ...['é', '€', '😀', '\ud83d', '\ude00', '2E', '-x2E', '5F', 'dlq', 'retry', 'removed', 'marks'],
];
const texts = array(oneof(constantFrom(...LETTERS), string({ unit: 'binary', maxLength: 3 })), {
  minLength: 1,
  maxLength: 12,
}).map((parts) => parts.join(''));
/** Short and long ones, of which many are alike. */
const names = tuple(texts, nat(5), constantFrom(1, 1, 1, 40))
  .map(([text, tail, times]) => text.repeat(times) + '.'.repeat(tail % 3))
  .filter((text) => text !== '');

const TOPIC = /^[\w.-]{1,249}$/;

describe('the names of Kafka', () => {
  it.each<[string, string]>([
    ['orders', 'orders'],
    ['orders.created', 'orders.created'],
    ['Orders_v2-eu', 'Orders_v2-eu'],
    ['shirt-xxl', 'shirt-xxl'],
    ['a-xx', 'a-xx'],
    ['café', 'caf-xC3-xA9'],
    ['a b', 'a-x20b'],
    ['a-x2E', 'a-x2Dx2E'],
    ['a-xx-b', 'a-x2Dxx-b'],
    ['.', '-x2E'],
    ['..', '-x2E.'],
    ['...', '...'],
    ['__consumer_offsets', '-x5F_consumer_offsets'],
    ['_x', '_x'],
  ])('the topic of %j is %j', (stream, topic) => {
    expect(topicOf('', stream)).toBe(topic);
    expect(topicOf(stream.slice(0, 1), stream.slice(1))).toBe(topic);
  });

  it('names of streams of up to 200 characters stay, and longer ones are shortened', () => {
    expect(topicOf('', 'a'.repeat(200))).toBe('a'.repeat(200));
    expect(topicOf('', 'a'.repeat(201))).toMatch(/^a{100}-xx-[\w-]{43}$/);
    expect(topicOf('', 'a'.repeat(201))).not.toBe(topicOf('', 'a'.repeat(202)));
  });

  it('all names are valid, and different streams and groups have different ones', () => {
    assert(
      property(names, names, names, names, (stream, group, other, otherGroup) => {
        pre(stream !== other || group !== otherGroup);
        const [ours, theirs] = [allOf(stream, group), allOf(other, otherGroup)];
        for (const topic of ours.topics) expect(topic).toMatch(TOPIC);
        for (const name of Object.values(ours.own)) {
          expect(Object.values(theirs.own)).not.toContain(name);
        }
        if (stream !== other) expect(ours.topics[0]).not.toBe(theirs.topics[0]);
      }),
      { numRuns: 500 },
    );
  });

  it('the group of a Kafka group is found, and that of other topics is not', () => {
    const kafkaGroup = new Names('app:').group('bill/ing', 'orders');
    expect(kafkaGroup).toBe('bill/ing/app-x3Aorders');
    expect(groupIn(kafkaGroup, 'app-x3Aorders')).toBe('bill/ing');
    expect(groupIn(kafkaGroup, 'orders')).toBeUndefined();
    expect(groupIn('/orders', 'orders')).toBeUndefined();
    expect(groupIn(new Names('').marks('billing'), 'orders')).toBeUndefined();
  });
});

/** The names of one group on one stream. Each of `own` is one of this group alone. */
function allOf(stream: string, group: string) {
  const of = new Names('');
  return {
    topics: [
      of.topic(stream),
      of.retries(group, stream),
      of.deadLetters(stream),
      of.removedDeadLetters(stream),
    ],
    own: {
      group: of.group(group, stream),
      retries: of.retries(group, stream),
      retriesGroup: of.retriesGroup(group, stream),
      marksWriter: of.marksWriter(group, of.topic(stream)),
      settling: settlingId(of.group(group, stream), 0),
    },
  };
}

describe('ids of Kafka', () => {
  it.each(['0-0', '2147483647-9007199254740991', '10-7'])('%j is an id', (id) => {
    const { partition, offset } = placeOf(id)!;
    expect(messageId(partition, offset)).toBe(id);
    expect(OFFSET_IDS.accepts(id)).toBe(true);
  });

  it.each([
    '',
    '00',
    '$',
    '1',
    '-1',
    '1-',
    '01-1',
    '1-01',
    '1-1-1',
    '2147483648-1',
    '0-9007199254740992',
    ' 0-1',
  ])('%j is none', (id) => expect(OFFSET_IDS.accepts(id)).toBe(false));

  it('they are compared as numbers, by the partition first', () => {
    const sorted = ['0-9', '0-10', '2-3', '2-200', '10-0'];
    expect(sorted.toReversed().sort(OFFSET_IDS.compare)).toEqual(sorted);
    expect(OFFSET_IDS.compare('3-4', '3-4')).toBe(0);
    expect(OFFSET_IDS.accepts(BEGINNING)).toBe(true);
    expect(OFFSET_IDS.compare(BEGINNING, '0-0')).toBeLessThan(0);
    expect(OFFSET_IDS.compare('0-0', BEGINNING)).toBeGreaterThan(0);
  });

  it('a group begins at 0, $ or an id, and nowhere else', () => {
    for (const startId of ['0', '$', '1-2']) expect(() => refuseStartId(startId)).not.toThrow();
    expect(() => refuseStartId('17')).toThrow("startId must be '0', '$' or an id such as 2-12345");
  });
});
