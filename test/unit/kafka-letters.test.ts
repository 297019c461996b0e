import { describe, expect, test } from 'vitest';
import type { DeadLetterRecord } from '../../lib/core/dead-letter-record.js';
import { DeadLetterTooLargeError } from '../../lib/core/errors/dead-letter.errors.js';
import { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import type {
  KafkaRecord,
  ReadHeaders,
  ReadRecord,
} from '../../lib/drivers/kafka/connection/kafka-client.js';
import { offsetsOf, pageStart } from '../../lib/drivers/kafka/dead-letters/letter-ids.js';
import { letterRecord, readLetter } from '../../lib/drivers/kafka/dead-letters/letter-record.js';
import { RemovedLetters } from '../../lib/drivers/kafka/dead-letters/removed-letters.js';
import { splitHeaders, withOwnHeaders } from '../../lib/drivers/kafka/retries/own-headers.js';

/** A record as a client reads it that was written so. */
function stored({ key, value, headers = {} }: KafkaRecord, offset = 7): ReadRecord {
  const bytes = (part: Buffer | string): Buffer => Buffer.from(part);
  const read = Object.entries(headers).map(([name, all]) => [
    name,
    Array.isArray(all) ? all.map(bytes) : bytes(all as Buffer | string),
  ]);
  return {
    ...{ offset, timestamp: 0, headers: Object.fromEntries(read) as ReadHeaders },
    key: key === null ? null : bytes(key),
    value: value === null ? null : bytes(value),
  };
}

const RECORD: DeadLetterRecord = {
  ...{ stream: 'orders', id: '3-120', group: 'billing', consumer: 'wörker', attempts: 5 },
  ...{ reason: 'max-deliveries', error: { name: 'TypeError', message: '😀\n', stack: 'at x' } },
  publishedAt: '2025-01-01T00:00:00.000Z',
  deadLetteredAt: '2025-01-02T00:00:00.000Z',
};
const PLACE = { topic: 'orders.dlq', from: 'orders', maxBytes: 100_000 };
const NO_TEXT = Buffer.from([0xff, 0x00, 0xfe]);

describe('headers of a copy', () => {
  const originals: Record<string, ReadHeaders> = {
    none: {},
    'bytes, an empty one and a repeated one': {
      a: NO_TEXT,
      b: Buffer.alloc(0),
      c: [Buffer.from('1'), Buffer.from('2')],
    },
    'some without a value': { a: null, b: [Buffer.from('1'), null, Buffer.from('3')] },
    'names of ours': { own: Buffer.from('theirs'), maybe: Buffer.from('theirs'), a: null },
    'a list of headers without a value, as in a copy': {
      'streams-null-headers': Buffer.from('[["a",0]]'),
      a: Buffer.from('1'),
    },
    'names of properties of all objects': Object.fromEntries([
      ['__proto__', Buffer.from('1')],
      ['constructor', Buffer.from('2')],
    ]),
  };
  for (const [name, original] of Object.entries(originals)) {
    test(`come off again, and leave the original: ${name}`, () => {
      const copy = withOwnHeaders(original, { own: 'ours', maybe: undefined });
      const read = stored({ topic: 't', partition: 0, key: null, value: null, headers: copy });
      const { own, original: restored } = splitHeaders(read.headers, ['own', 'maybe']);
      expect(restored).toEqual(original);
      expect(Object.keys(restored)).toEqual(Object.keys(original));
      expect([own.get('own'), own.get('maybe')]).toEqual(['ours', undefined]);
    });
  }

  test('come off a copy of a copy one after the other', () => {
    const original = { a: null };
    const once = withOwnHeaders(original, { own: '1' });
    const twice = withOwnHeaders(
      stored({ topic: 't', partition: 0, key: null, value: null, headers: once }).headers,
      { own: '2' },
    );
    const read = stored({ topic: 't', partition: 0, key: null, value: null, headers: twice });
    const outer = splitHeaders(read.headers, ['own']);
    const inner = splitHeaders(outer.original, ['own']);
    expect([outer.own.get('own'), inner.own.get('own')]).toEqual(['2', '1']);
    expect(inner.original).toEqual(original);
  });
});

describe('the record of a dead letter', () => {
  const original = {
    key: NO_TEXT,
    value: null,
    headers: { trace: Buffer.from('x'), bytes: NO_TEXT },
  };

  test('has the original as it was, and all that is known of it', () => {
    const written = letterRecord(original, { record: RECORD, redrive: 17 }, PLACE);
    expect(written).toMatchObject({ topic: 'orders.dlq', partition: 0, key: NO_TEXT, value: null });
    expect(readLetter(stored(written, 9))).toEqual({
      ...{ offset: 9, record: RECORD, redrive: 17, original },
    });
  });

  test('says topic, partition and offset in headers of their own', () => {
    const { headers } = letterRecord(original, { record: RECORD }, PLACE);
    expect(headers).toMatchObject({
      'streams-dead-topic': 'orders',
      'streams-dead-partition': '3',
      'streams-dead-offset': '120',
      'streams-dead-reason': 'max-deliveries',
    });
  });

  test('of another source has no topic', () => {
    const { headers } = letterRecord(original, { record: RECORD }, {
      ...PLACE,
      from: undefined,
    } as never);
    expect(Object.keys(headers!).filter((name) => /topic|offset|partition/.test(name))).toEqual([]);
  });

  test('leaves out what there was not', () => {
    const { error: _, ...record } = RECORD;
    const read = readLetter(stored(letterRecord(original, { record }, PLACE)));
    expect(read).toEqual({ offset: 7, record, original });
  });

  test('leaves out the stack, and most of the message, where it is too large otherwise', () => {
    const error = { name: 'Error', message: 'm'.repeat(1000), stack: 's'.repeat(2000) };
    const read = (maxBytes: number) => {
      const record = { ...RECORD, error };
      return readLetter(stored(letterRecord(original, { record }, { ...PLACE, maxBytes })))!.record;
    };
    expect(read(10_000).error).toEqual(error);
    expect(read(2000).error).toEqual({ name: 'Error', message: error.message });
    expect(read(1200).error).toEqual({ name: 'Error', message: 'm'.repeat(500) });
    expect(() => read(500)).toThrow(DeadLetterTooLargeError);
  });

  test('of another program is none', () => {
    expect(readLetter(stored({ topic: 't', partition: 0, key: 'k', value: 'v' }))).toBeUndefined();
  });
});

describe('ids of dead letters', () => {
  test('are offsets, each once, in their order', () => {
    expect(offsetsOf(['0-12', '0-3', '0-12'])).toEqual([3, 12]);
    expect(offsetsOf([])).toEqual([]);
  });
  for (const id of ['no id', '1-5', '5', '0-', '-', '0-01']) {
    test(`${id} is none`, () => {
      expect(() => offsetsOf(['0-1', id])).toThrow('ids[1] must be the deadLetterId');
      expect(() => pageStart(id)).toThrow(InvalidOptionsError);
    });
  }
  test('begin a page behind them', () => {
    expect([pageStart(undefined), pageStart('0-41')]).toEqual([0, 42]);
  });
});

describe('removed letters', () => {
  const OFFSETS = [0, 7, 8, 1023, 1024, 5000, 2 ** 40];

  test('are those that were added, also where their records are read', () => {
    const written = new RemovedLetters();
    for (const offset of OFFSETS) written.add(offset);
    const read = new RemovedLetters();
    const records = written.takeChanges('removed');
    expect(records).toHaveLength(4);
    for (const record of records) read.apply(stored(record));
    for (const one of [written, read]) {
      for (const offset of OFFSETS) {
        expect([one.has(offset), one.has(offset + 2)]).toEqual([true, false]);
      }
    }
    expect(written.takeChanges('removed')).toEqual([]);
  });

  test('are a range without some', () => {
    const removed = new RemovedLetters();
    removed.addAll(1000, 1100, new Set([1003, 1050]));
    expect([999, 1000, 1003, 1050, 1099, 1100].filter((one) => removed.has(one))).toEqual([
      1000, 1099,
    ]);
    expect(removed.nextLeft(1000)).toBe(1003);
    expect(removed.nextLeft(1051)).toBe(1100);
    expect(removed.nextLeft(5)).toBe(5);
  });

  test('are forgotten where the records are deleted', () => {
    const removed = new RemovedLetters();
    removed.addAll(0, 3000, new Set());
    expect(removed.forgetBelow('removed', 2047)).toMatchObject([{ key: '0', value: null }]);
    expect([removed.has(1000), removed.has(1024)]).toEqual([false, true]);
  });

  test('are all forgotten where their log does not have them: it is a new one', () => {
    for (const offset of [7, 1023, 1024, 5000]) {
      const removed = new RemovedLetters();
      removed.add(2);
      removed.add(offset);
      expect(removed.forgetOthers('removed', offset + 1)).toEqual([]);
      expect(removed.end).toBe(offset + 1);
      const keys = removed.forgetOthers('removed', offset).map(({ key }) => key);
      expect(keys).toEqual([...new Set(['0', String(offset >> 10)])]);
      expect([removed.has(2), removed.end]).toEqual([false, 0]);
    }
  });

  test('come with the pages that calls have committed, until an hour is over', () => {
    const written = new RemovedLetters();
    written.notePages('a', 1);
    written.notePages('a', 2);
    const records = written.takeChanges('removed');
    expect(records).toHaveLength(1);
    const read = new RemovedLetters();
    const apply = (record: KafkaRecord, timestamp: number) =>
      read.apply({ ...stored(record), timestamp });
    apply(records[0]!, Date.now() - 3_500_000);
    expect([read.pagesOf('a'), read.pagesOf('b')]).toEqual([2, 0]);
    read.notePages('b', 1);
    expect(read.pagesOf('a')).toBe(2);
    apply(records[0]!, Date.now() - 3_700_000);
    read.notePages('b', 2);
    const left = read.takeChanges('removed').map(({ key, value }) => [key, value]);
    expect(left).toEqual([
      ['call-b', '2'],
      ['call-a', null],
    ]);
    apply({ topic: 't', partition: 0, key: 'call-b', value: null }, 0);
    expect(read.pagesOf('b')).toBe(0);
  });

  test('heed no records of other programs', () => {
    const removed = new RemovedLetters();
    removed.add(5);
    for (const key of [null, 'x', '0']) {
      removed.apply(stored({ topic: 't', partition: 0, key, value: key === '0' ? null : 'v' }));
    }
    expect(removed.has(5)).toBe(false);
  });
});
