import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonCodec } from '../../lib/core/codecs/json.codec.js';
import type { KafkaRecord, ReadHeaders } from '../../lib/drivers/kafka/connection/kafka-client.js';
import { decodeRecord } from '../../lib/drivers/kafka/wire/decode-record.js';
import { encodeRecord } from '../../lib/drivers/kafka/wire/encode-record.js';
import { BATCH_OVERHEAD, sizeOfRecord } from '../../lib/drivers/kafka/connection/record-size.js';
import { encodedBatch, readBack } from '../support/kafka-bytes.js';

/** What a consumer gets of an entry: the record goes over the connection as bytes. */
async function carried(fields: readonly string[], hasBytes = false) {
  const encoded = encodeRecord(fields, hasBytes);
  const record: KafkaRecord = { topic: 'orders', partition: 0, key: null, ...encoded };
  const bytes = await encodedBatch([record]);
  const size = BATCH_OVERHEAD + sizeOfRecord(record);
  expect(size).toBeGreaterThanOrEqual(bytes.length);
  expect(size - bytes.length).toBeLessThanOrEqual(3);
  const [read] = await readBack(bytes);
  return decodeRecord('orders', read!);
}

/** Names and values that a wire format is likely to change. */
const ODD = ['', ' ', ' a', 'a\r\nb', '\u0000', '\ufeff', 'ü', '😀', '\ud800', '\udcff'];
const NAMES = [
  ...['payload', 'event_type', 'metadata', 'timestamp', 'idempotency_key', 'Event_Type'],
  ...['streams-fields', 'streams-x', '0', '17', '-1', '__proto__', 'constructor', 'toString'],
];
const text = fc.oneof(
  fc.constantFrom(...ODD, ...NAMES),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
);
const pair = fc.tuple(fc.oneof(fc.constantFrom(...NAMES), text), text);
const pairs = fc.array(pair, { minLength: 1, maxLength: 8 });
/** Of the shape that can be headers and a value. */
const usual = fc
  .tuple(pair, text, fc.array(pair, { maxLength: 3 }))
  .map(([first, payload, others]) => [first, ['payload', payload], ...others]);
const entries = fc.oneof(pairs, usual).map((list) => list.flat());

const USUAL = ['event_type', 'order.paid', 'payload', '{"total":5}'];
const TRACED = [...USUAL, 'metadata', '{"trace":"1-2"}', 'idempotency_key', 'k1'];

const bytes = (text: string): Buffer => Buffer.from(text);
const metadataOf = (fields: readonly string[]): unknown => jsonCodec.decode(fields).metadata;

describe('fields in a Kafka record', () => {
  test('any fields come back as they were', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (fields) => {
        expect(await carried(fields)).toEqual(fields);
      }),
      { numRuns: 2000 },
    );
  });

  test('bytes that are no UTF-8 are written as they were read', async () => {
    const value = Buffer.of(0x61, 0xff, 0xc3, 0x62);
    const fields = decodeRecord('orders', { value, headers: { event_type: Buffer.of(0xff) } });
    expect(await carried(fields, true)).toEqual(fields);
    expect(encodeRecord(fields, true)).toEqual({ value, headers: { event_type: Buffer.of(0xff) } });
  });

  test('doubled names, many fields and large values come back as they were', async () => {
    const large = 'ü'.repeat(50_000);
    for (const fields of [
      ['event_type', 'test', 'payload', large],
      ['event_type', large, 'payload', 'x', 'metadata', large],
      ['large', large],
      [],
      ['a', '1', 'payload', '2', 'b', '3', 'a', '4'],
      Array.from({ length: 400 }, (_, index) => (index === 2 ? 'payload' : `n${index}`)),
    ]) {
      expect(await carried(fields)).toEqual(fields);
    }
  });

  test('what most entries are is plain to other programs', () => {
    expect(encodeRecord(TRACED)).toEqual({
      value: '{"total":5}',
      headers: { event_type: 'order.paid', metadata: '{"trace":"1-2"}', idempotency_key: 'k1' },
    });
    expect(encodeRecord(['taskName', 'mail', 'payload', '{}', 'enqueuedAt', '5'])).toEqual({
      value: '{}',
      headers: { taskName: 'mail', enqueuedAt: '5', 'streams-fields': 'plain' },
    });
    expect(encodeRecord(['data', '1', 'data', 'ü'])).toEqual({
      value: '["data","1","data","ü"]',
      headers: { 'streams-fields': 'json' },
    });
  });
});

describe('a record of another program', () => {
  test('without headers has the name of its stream as event type', () => {
    const fields = decodeRecord('orders.created', { value: bytes('{"id":7}') });
    expect(fields).toEqual(['event_type', 'orders.created', 'payload', '{"id":7}']);
  });

  test('has its headers as metadata', () => {
    const headers: ReadHeaders = {
      __TypeId__: bytes('com.example.OrderCreated'),
      traceparent: [bytes('00-a'), bytes('00-b')],
      empty: null,
      '7': bytes('seven'),
    };
    const fields = decodeRecord('orders', { value: bytes('{}'), headers });
    expect(fields.slice(0, 4)).toEqual(['event_type', 'orders', 'payload', '{}']);
    expect(metadataOf(fields)).toEqual({
      ...{ '7': 'seven', __TypeId__: 'com.example.OrderCreated', traceparent: '00-b', empty: '' },
    });
  });

  test('has an event type of its own where a header says so', () => {
    const headers = { who: bytes('x'), event_type: bytes('order.paid') };
    const fields = decodeRecord('orders', { value: bytes('{}'), headers });
    expect(fields).toEqual([
      ...['event_type', 'order.paid', 'payload', '{}', 'metadata', '{"who":"x"}'],
    ]);
  });

  test('keeps the metadata that it has, whose entries win over headers', () => {
    const headers = { metadata: bytes('{"a":"1"}'), a: bytes('2'), b: bytes('3') };
    const fields = decodeRecord('orders', { value: bytes('{}'), headers });
    expect(metadataOf(fields)).toEqual({ a: '1', b: '3' });
    for (const odd of ['no json', '[]', '7']) {
      const read = decodeRecord('orders', {
        value: bytes('{}'),
        headers: { ...headers, metadata: bytes(odd) },
      });
      expect(read).toEqual([...['event_type', 'orders', 'payload', '{}', 'metadata', odd]]);
    }
  });

  test('is decodable with any bytes in its headers', () => {
    const headers: ReadHeaders = {
      attempts: Buffer.of(0, 0, 0, 255),
      text: bytes('ä'),
      // The client has a property of all objects for what was there before.
      constructor: [Object, bytes('built')] as unknown as Buffer[],
    };
    const fields = decodeRecord('orders', { value: bytes('{}'), headers });
    expect(fields.every((field) => field.isWellFormed())).toBe(true);
    expect(metadataOf(fields)).toEqual({ text: 'ä', constructor: 'built' });
  });

  test('without a value, a tombstone, has the payload null', () => {
    const fields = decodeRecord('orders', { value: null });
    expect(jsonCodec.decode(fields).payload).toBeNull();
  });

  test('with headers of this driver has no metadata of them', () => {
    const headers = { 'streams-dead-reason': bytes('x'), 'streams-fields': bytes('other') };
    expect(decodeRecord('orders', { value: bytes('1'), headers })).toEqual([
      ...['event_type', 'orders', 'payload', '1'],
    ]);
  });

  test.each(['', '{}', '["odd"]', '["a",1]', 'no json', '[null]'])(
    'a value %j that only says to have all fields is a payload',
    (value) => {
      const headers = { 'streams-fields': bytes('json') };
      expect(decodeRecord('orders', { value: bytes(value), headers })).toEqual([
        ...['event_type', 'orders', 'payload', value],
      ]);
    },
  );
});
