import { headers } from '@nats-io/transport-node';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfText } from '../../lib/core/codecs/text-bytes.js';
import { clientHeaders } from '../../lib/drivers/nats/wire/client-headers.js';
import { decodeMessage } from '../../lib/drivers/nats/wire/decode-message.js';
import { encodeEntry } from '../../lib/drivers/nats/wire/encode-entry.js';
import { sizeOf } from '../../lib/drivers/nats/wire/wire-size.js';

/** The bytes of the client's headers, and headers as the client reads them. */
type Encoding = ReturnType<typeof headers> & { encode(): Uint8Array };
const { decode } = headers().constructor as unknown as { decode(bytes: Uint8Array): Encoding };

/** What a consumer gets of an entry: headers and body go over the connection as bytes. */
function carried(fields: readonly string[], hasBytes = false) {
  const message = encodeEntry(fields, hasBytes);
  const made = clientHeaders(headers, message.headers) as Encoding | undefined;
  const bytes = made?.encode();
  expect(sizeOf(message)).toBe(message.body.length + (bytes?.length ?? 0));
  expect(bytes?.length ?? 0).toBeLessThan(65_536);
  return decodeMessage({ data: message.body, headers: bytes && decode(bytes) });
}

/** Names and values that a wire format is likely to change. */
const ODD = ['', ' ', ' a', 'a ', 'a\r\nb', '\u0000', '\ufeff', 'ü', '😀', '\ud800', '\udcff'];
const NAMES = [
  'payload',
  'event_type',
  'Event_Type',
  'metadata',
  'Nats-Msg-Id',
  'streams-x',
  'a:b',
];
const text = fc.oneof(
  fc.constantFrom(...ODD, ...NAMES),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
);
const pair = fc.tuple(fc.oneof(fc.constantFrom(...NAMES), text), text);
const pairs = fc.array(pair, { minLength: 1, maxLength: 8 });
/** Of the shape that can be headers and a body. */
const usual = fc
  .tuple(pair, text, fc.array(pair, { maxLength: 3 }))
  .map(([first, payload, others]) => [first, ['payload', payload], ...others]);
const entries = fc.oneof(pairs, usual).map((list) => list.flat());

describe('the wire format of NATS', () => {
  test('any fields come back as they were', () => {
    fc.assert(
      fc.property(entries, (fields) => {
        expect(carried(fields)).toEqual(fields);
      }),
      { numRuns: 2000 },
    );
  });

  test('bytes that are no UTF-8 are written as they were read', () => {
    const bytes = Uint8Array.of(0x61, 0xff, 0xc3, 0x62);
    const fields = decodeMessage({ data: bytes });
    expect(carried(fields, true)).toEqual(fields);
    expect(encodeEntry(fields, true).body).toEqual(Buffer.from(bytes));
    const named = ['event_type', '\udcff', ...fields];
    expect(carried(named, true)).toEqual(named);
    expect(bytesOfText(carried(named, true)[1]!)).toEqual(Buffer.of(0xff));
  });

  test('doubled names, many fields and large values come back as they were', () => {
    const large = 'ü'.repeat(50_000);
    for (const fields of [
      ['event_type', 'test', 'payload', large],
      ['event_type', large, 'payload', 'x'],
      ['large', large],
      ['a', '1', 'payload', '2', 'b', '3', 'a', '4'],
      Array.from({ length: 400 }, (_, index) => (index === 2 ? 'payload' : `n${index}`)),
    ]) {
      expect(carried(fields)).toEqual(fields);
    }
  });

  test('what most entries are is plain to other programs', () => {
    const metadata = '{"trace":"1-2","who":"naïve 😀"}';
    const fields = ['event_type', 'order.paid', 'payload', '{"total":5}', 'metadata', metadata];
    expect(encodeEntry(fields)).toEqual({
      body: Buffer.from('{"total":5}'),
      headers: ['event_type', 'order.paid', 'metadata', metadata],
    });
    expect(encodeEntry(['payload', 'alone'])).toEqual({ body: Buffer.from('alone'), headers: [] });
  });

  test('other entries have all fields in the body, and say so', () => {
    expect(encodeEntry(['data', '1', 'data', 'ü'])).toEqual({
      body: Buffer.from('["data","1","data","ü"]'),
      headers: ['Streams-Fields', 'json'],
    });
  });

  test('headers of another program are fields, without those of the server', () => {
    const made = headers();
    made.append('Nats-Msg-Id', '1');
    made.append('trace', 'one');
    made.append('trace', 'two');
    made.append('Content-Type', 'text/plain');
    expect(decodeMessage({ data: Buffer.from('hello'), headers: made })).toEqual([
      ...['trace', 'one', 'payload', 'hello', 'trace', 'two', 'Content-Type', 'text/plain'],
    ]);
  });

  test('a header `payload` of another program does not stand for the body', () => {
    const made = headers();
    made.append('payload', 'header');
    expect(decodeMessage({ data: Buffer.from('body'), headers: made })).toEqual([
      ...['payload', 'body', 'payload', 'header'],
    ]);
  });

  test.each(['', '{}', '[]', '["odd"]', '["a",1]', 'no json', '[null]'])(
    'a body %j that only says to have all fields is a payload',
    (body) => {
      const made = headers();
      made.append('Streams-Fields', 'json');
      expect(decodeMessage({ data: Buffer.from(body), headers: made })).toEqual(['payload', body]);
    },
  );
});
