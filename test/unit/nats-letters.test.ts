import { describe, expect, it } from 'vitest';
import type { DeadLetterRecord } from '../../lib/core/dead-letter-record.js';
import { storedMessage } from '../../lib/drivers/nats/buckets/stored-message.js';
import {
  decodeLetter,
  encodeLetter,
  readLetter,
} from '../../lib/drivers/nats/dead-letters/letter.js';
import { expiryOf, toStored, valueOf } from '../../lib/drivers/nats/state/stored-value.js';

const RECORD: DeadLetterRecord = {
  stream: 'ü\n"\u0000',
  id: '17',
  group: 'billing',
  consumer: 'worker-1',
  attempts: 5,
  reason: 'max-deliveries',
  error: { name: 'TypeError', message: 'line\nend', stack: 's'.repeat(1000) },
  publishedAt: '2026-01-01T00:00:00.000Z',
  deadLetteredAt: '2026-01-02T00:00:00.000Z',
};
const LARGE = 100_000;

describe('a dead letter as NATS keeps it', () => {
  it.each([
    ['no fields', []],
    ['empty texts', ['', '', '', '']],
    ['any text', ['ü😀\u0000\r\n', '{"a":1}', '\u2028', '\ufffd']],
    ['bytes that are no text', ['payload', 'a\udcff\udc80', '\udcc3', 'b']],
    ['one name twice', ['a', '1', 'a', '2']],
  ])('is read as it was: %s', (_, fields) => {
    const letter = { record: RECORD, fields };
    expect(decodeLetter(encodeLetter(letter, LARGE))).toEqual(letter);
  });

  it('begins with a line of JSON that has the record, and has the fields as they are', () => {
    const body = encodeLetter({ record: RECORD, fields: ['payload', 'text'] }, LARGE).toString();
    const [line, rest] = body.split('\n');
    expect(JSON.parse(line!)).toEqual({ record: RECORD, lengths: [7, 4] });
    expect(rest).toBe('payloadtext');
  });

  it('is never longer than allowed', () => {
    const fields = ['payload', 'x'.repeat(2000)];
    const sizes = [4000, 2500, 1000, 600].map((most) => {
      const body = encodeLetter({ record: RECORD, fields }, most);
      expect(decodeLetter(body).fields).toEqual(fields);
      expect(body.length).toBeLessThanOrEqual(most);
      return body.length;
    });
    expect([...sizes].sort((a, b) => b - a)).toEqual(sizes);
    expect(() => encodeLetter({ record: RECORD, fields }, 300)).toThrow(
      'dead letter queue takes 300',
    );
  });

  it('is none where its body was cut, or is something else', () => {
    const body = encodeLetter({ record: RECORD, fields: ['payload', 'ütext'] }, LARGE);
    for (let size = 0; size < body.length; size++) {
      expect(readLetter(body.subarray(0, size))).toBeUndefined();
    }
    expect(readLetter(Buffer.concat([body, Buffer.from('more')]))).toBeUndefined();
    expect(() => decodeLetter(Buffer.from('garbage'))).toThrow('no dead letter');
  });
});

describe('a message as JetStream answers it', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const answered = { subject: 's', seq: 1, time: '2026-11-30T19:27:17.204283636Z' };

  it('has its headers, its bytes and its time', () => {
    const hdrs = base64('NATS/1.0\r\nA: 1\r\nB:  2 \r\nA: 3\r\nno header\r\nC: d:e\r\n\r\n');
    const message = storedMessage({ ...answered, hdrs, data: base64('ü') });
    expect([...message.headers]).toEqual([
      ['A', '3'],
      ['B', '2'],
      ['C', 'd:e'],
    ]);
    expect(message.body.toString()).toBe('ü');
    expect(message.time).toBe(Date.parse('2026-11-30T19:27:17.204Z'));
  });

  it('may have no headers and no body', () => {
    const { headers, body } = storedMessage(answered);
    expect([headers.size, body.length]).toEqual([0, 0]);
  });
});

describe('a value of state as NATS keeps it', () => {
  it.each(['', 'text', 'ü😀', '\u0000', '\ud800', 'a\udfffb'])('is read as it was: %j', (value) => {
    const { body, headers } = toStored(value, 250);
    const pairs = headers.flatMap((name, at) =>
      at % 2 ? [] : [[name, headers[at + 1]!] as const],
    );
    const stored = { body: Buffer.from(body), headers: new Map(pairs), time: 1000 };
    expect(valueOf(stored)).toBe(value);
    expect(expiryOf(stored)).toBe(1250);
  });

  it('stays where it has no ttl', () => {
    expect(toStored('text', undefined).headers).toEqual([]);
    expect(expiryOf({ headers: new Map(), time: 1000 })).toBe(Infinity);
  });
});
