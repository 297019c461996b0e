import { describe, expect, test, vi } from 'vitest';
import { backstageCodec } from '../../lib/core/codecs/backstage.codec.js';
import { businessCodec } from '../../lib/core/codecs/business.codec.js';
import { jsonCodec } from '../../lib/core/codecs/json.codec.js';
import { rawCodec } from '../../lib/core/codecs/raw.codec.js';
import type { Codec } from '../../lib/core/codecs/codec.js';

const message = { stream: 'orders', eventType: 'order.process', payload: { id: 1, name: 'ü' } };
const metadata = { traceparent: '00-1', tenant: 'ä' };
const AT = Date.UTC(2025, 5, 1);

const business = businessCodec({ source: 'billing' });

describe('every codec that carries any payload', () => {
  const codecs = [jsonCodec, business, backstageCodec];

  test.each(codecs)('$name reads what it writes', (codec) => {
    for (const payload of [{ a: [1, null] }, [], 'text', '', 0, -1.5, true, null, { é: '😀' }]) {
      const fields = codec.encode({ ...message, payload });
      expect(codec.eventType(fields, 'orders')).toBe('order.process');
      expect(codec.decode(fields).payload).toEqual(payload);
    }
  });

  test.each(codecs)('$name carries metadata, where there is any', (codec) => {
    expect(codec.decode(codec.encode({ ...message, metadata })).metadata).toMatchObject(metadata);
    expect(codec.encode({ ...message, metadata: {} })).not.toContain('metadata');
  });

  test.each(codecs)('$name writes an undefined payload as null', (codec) => {
    const fields = codec.encode({ ...message, payload: undefined });
    expect(fields).toContain('null');
    expect(codec.decode(fields).payload).toBeNull();
  });

  test.each(codecs)('$name refuses a payload that JSON has no text for', (codec) => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    for (const payload of [() => 1, Symbol('s'), 10n, circular, { toJSON: () => undefined }]) {
      expect(() => codec.encode({ ...message, payload })).toThrow();
    }
  });

  test.each(codecs)('$name refuses metadata that is not strings', (codec) => {
    for (const wrong of [{ a: 1 }, { a: undefined }, ['a'], 'a', null, { a: { b: 'c' } }]) {
      expect(() => codec.encode({ ...message, metadata: wrong as never })).toThrow('metadata');
    }
  });

  test.each(codecs)('$name refuses entries without an event type', (codec) => {
    for (const fields of [
      [],
      ['payload', '1'],
      ['x'],
      codec.encode({ ...message, eventType: '' }),
    ]) {
      expect(() => codec.eventType(fields, 'orders')).toThrow('field');
    }
  });

  test.each(codecs)('$name refuses a payload and metadata that are no JSON', (codec) => {
    const [, , ...rest] = codec.encode({ ...message, metadata });
    const withText = (name: string, text: string) =>
      rest.map((value, index) => (index % 2 === 1 && rest[index - 1] === name ? text : value));
    const payloadField = codec === business ? 'data' : 'payload';
    for (const text of ['{', "{'a':1}", 'undefined', '\u0000', '{"a":1}}']) {
      expect(() => codec.decode(withText(payloadField, text))).toThrow();
      expect(() => codec.decode(withText('metadata', text))).toThrow();
    }
    expect(() => codec.decode(withText(payloadField, ''))).toThrow();
    for (const text of ['1', '"a"', '[]', 'true']) {
      expect(() => codec.decode(withText('metadata', text))).toThrow('JSON object');
    }
  });

  test.each(codecs)('$name reads metadata that other producers write', (codec) => {
    const fields = codec.encode(message);
    const read = (text: string) => codec.decode([...fields, 'metadata', text]).metadata ?? {};
    const own = read('{}');
    expect(read('{"from":"feed","retry_count":0}')).toEqual({
      ...own,
      from: 'feed',
      retry_count: '0',
    });
    expect(read('{"a":{"b":[1]},"c":null,"d":false,"e":""}')).toEqual({
      ...own,
      a: '{"b":[1]}',
      c: 'null',
      d: 'false',
      e: '',
    });
    for (const empty of ['', 'null', '{}']) expect(read(empty)).toEqual(own);
    const named = read('{"__proto__":1}');
    expect(Object.getPrototypeOf(named)).toBe(Object.prototype);
    expect(Object.keys(named)).toContain('__proto__');
  });

  test.each(codecs)('$name reads a missing payload as undefined', (codec) => {
    const [name, value] = codec.encode(message);
    expect(codec.decode([name!, value!]).payload).toBeUndefined();
    expect(codec.decode([]).payload).toBeUndefined();
    expect(codec.decode([name!]).payload).toBeUndefined();
  });
});

describe('json', () => {
  test('writes event type and payload, and nothing that says no more than the id', () => {
    const json = '{"id":1,"name":"ü"}';
    expect(jsonCodec.encode(message)).toEqual(['event_type', 'order.process', 'payload', json]);
    expect(jsonCodec.encode({ ...message, metadata })).toEqual([
      ...['event_type', 'order.process'],
      ...['payload', json],
      ...['metadata', JSON.stringify(metadata)],
    ]);
  });

  test('reads entries with all four fields, in any order', () => {
    const pairs = [
      ['timestamp', '2025-01-01T00:00:00.000Z'],
      ['payload', '{"a":1}'],
      ['unknown', 'x'],
      ['metadata', '{"k":"v"}'],
      ['event_type', 'a.b'],
    ];
    for (const order of [pairs, pairs.toReversed(), [pairs[4]!, pairs[1]!, pairs[0]!, pairs[3]!]]) {
      const fields = order.flat();
      expect(jsonCodec.eventType(fields, 'orders')).toBe('a.b');
      expect(jsonCodec.decode(fields)).toEqual({
        payload: { a: 1 },
        metadata: { k: 'v' },
        timestamp: '2025-01-01T00:00:00.000Z',
      });
    }
  });

  test('leaves out what the entry does not say', () => {
    expect(jsonCodec.decode(jsonCodec.encode(message))).toEqual({ payload: message.payload });
    const empty = ['event_type', 'a', 'payload', '1', 'timestamp', '', 'metadata', '{}'];
    expect(jsonCodec.decode(empty)).toEqual({ payload: 1, metadata: {} });
  });

  test('does not take a value for a name', () => {
    const fields = ['note', 'payload', 'event_type', 'payload', 'payload', '2'];
    expect(jsonCodec.eventType(fields, 'orders')).toBe('payload');
    expect(jsonCodec.decode(fields).payload).toBe(2);
  });

  test('reads a name that objects have of their own as data', () => {
    const { payload } = jsonCodec.decode(['event_type', 'a', 'payload', '{"__proto__":{"x":1}}']);
    expect(Object.getPrototypeOf(payload)).toBe(Object.prototype);
    expect(Object.keys(payload as object)).toEqual(['__proto__']);
  });
});

describe('business', () => {
  test('writes eventType, timestamp in ms, source and data', () => {
    atTime(() =>
      expect(business.encode(message)).toEqual([
        ...['eventType', 'order.process'],
        ...['timestamp', String(AT)],
        ...['source', 'billing'],
        ...['data', '{"id":1,"name":"ü"}'],
      ]),
    );
  });

  test('reads the time as ISO 8601, and the source as metadata', () => {
    const fields = ['eventType', 'a', 'timestamp', String(AT), 'source', 'api', 'data', '1'];
    expect(business.decode(fields)).toEqual({
      payload: 1,
      timestamp: '2025-06-01T00:00:00.000Z',
      metadata: { source: 'api' },
    });
    expect(business.decode(['eventType', 'a', 'data', '1'])).toEqual({ payload: 1, metadata: {} });
  });

  test('refuses a time that is none', () => {
    refusesTimes(business, 'timestamp');
  });
});

describe('backstage', () => {
  test('writes taskName, payload and enqueuedAt in ms', () => {
    atTime(() =>
      expect(backstageCodec.encode(message)).toEqual([
        ...['taskName', 'order.process'],
        ...['payload', '{"id":1,"name":"ü"}'],
        ...['enqueuedAt', String(AT)],
      ]),
    );
  });

  test('reads entries of Backstage, which may say more', () => {
    const more = ['attempts', '3', 'backoff', '{"type":"fixed"}', 'timeout', '500'];
    const fields = ['taskName', 'a', 'payload', '{}', 'enqueuedAt', String(AT), ...more];
    expect(backstageCodec.eventType(fields, 'orders')).toBe('a');
    expect(backstageCodec.decode(fields)).toEqual({
      payload: {},
      timestamp: '2025-06-01T00:00:00.000Z',
    });
  });

  test('refuses a time that is none', () => {
    refusesTimes(backstageCodec, 'enqueuedAt');
  });
});

describe('raw', () => {
  test('gives all fields as they are', () => {
    const fields = ['a', '1', '', 'empty name', 'b', '', '__proto__', 'x', 'a', 'second'];
    const { payload } = rawCodec.decode(fields);
    expect(Object.entries(payload as object)).toEqual([
      ['a', '1'],
      ['', 'empty name'],
      ['b', ''],
      ['__proto__', 'x'],
    ]);
    expect(rawCodec.decode([])).toEqual({ payload: {} });
    expect(rawCodec.decode(['a'])).toEqual({ payload: { a: '' } });
  });

  test('takes the event type from event_type, else from the stream', () => {
    expect(rawCodec.eventType(['x', '1', 'event_type', 'a.b'], 'orders')).toBe('a.b');
    expect(rawCodec.eventType(['x', '1'], 'orders')).toBe('orders');
  });

  test('writes an object of strings, with its event type where the stream does not say it', () => {
    const payload = { a: '1', b: '' };
    expect(rawCodec.encode({ stream: 's', eventType: 's', payload })).toEqual(['a', '1', 'b', '']);
    const fields = rawCodec.encode({ stream: 's', eventType: 'e', payload });
    expect(rawCodec.eventType(fields, 's')).toBe('e');
    expect(rawCodec.decode(fields).payload).toEqual({ event_type: 'e', ...payload });
    const own = { event_type: 'e', a: '1' };
    expect(rawCodec.encode({ stream: 's', eventType: 'e', payload: own })).toEqual(
      Object.entries(own).flat(),
    );
  });

  test('refuses what is not an object of strings', () => {
    for (const payload of [undefined, null, 1, 'a', ['a'], { a: 1 }, { a: null }, { a: {} }]) {
      expect(() => rawCodec.encode({ stream: 's', eventType: 'e', payload })).toThrow('strings');
    }
    expect(() => rawCodec.encode({ stream: 's', eventType: 's', payload: {} })).toThrow('field');
    const other = { event_type: 'other' };
    expect(() => rawCodec.encode({ stream: 's', eventType: 'e', payload: other })).toThrow('other');
  });
});

function atTime(check: () => void): void {
  const now = vi.spyOn(Date, 'now').mockReturnValue(AT);
  try {
    check();
  } finally {
    now.mockRestore();
  }
}

function refusesTimes(codec: Codec, field: string): void {
  for (const text of ['', 'yesterday', '1e3', '-1', '2025-01-01', '99999999999999999999', ' 1']) {
    expect(() => codec.decode([field, text])).toThrow(field);
  }
}
