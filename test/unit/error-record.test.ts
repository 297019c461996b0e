import { BadRequestException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import {
  asError,
  errorRecord,
  messageOf,
  storedError,
} from '../../lib/core/errors/error-record.js';
import { HandlerTimeoutError, UndecodableError } from '../../lib/core/errors/handling.errors.js';
import { errorToJson } from '../../lib/core/answer.js';
import { HOSTILE } from '../support/hostile.js';

describe('the record of what was thrown', () => {
  it.each(HOSTILE)('is texts of bounded length: %s', (_, make) => {
    const thrown = make();
    const record = errorRecord(thrown);
    const texts = [record.name, record.message, record.stack ?? ''];
    for (const text of texts) expect(typeof text).toBe('string');
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16_384);
    expect(record.name).not.toBe('');
    expect(errorRecord(record)).toEqual(record);
    expect(typeof JSON.parse(errorToJson(thrown))).toBe('object');
    expect(asError(thrown)).toBeInstanceOf(Error);
    expect(typeof asError(thrown).message).toBe('string');
    expect(typeof messageOf(thrown)).toBe('string');
  });

  it('keeps what can be read', () => {
    const error = new TypeError('no');
    expect(errorRecord(error)).toEqual({ name: 'TypeError', message: 'no', stack: error.stack });
    expect(errorRecord('text')).toEqual({ name: 'Error', message: 'text' });
    expect(errorRecord({ code: 5 })).toEqual({ name: 'Error', message: '{"code":5}' });
    expect(errorRecord({ name: 'N', message: 'm' })).toEqual({ name: 'N', message: 'm' });
    const odd = Object.assign(new Error('x'), { name: Symbol('n'), message: { a: 1 } });
    expect(errorRecord(odd)).toMatchObject({ name: 'Symbol(n)', message: '{"a":1}' });
    expect(asError(error)).toBe(error);
  });

  it('is cut between characters, and says so', () => {
    const { message } = errorRecord(new Error('ü'.repeat(20_000)));
    expect(message).toMatch(/^ü+ … \(cut\)$/);
    expect(Buffer.byteLength(message)).toBeGreaterThan(16_000);
    expect(errorRecord(new Error('x'.repeat(16_384))).message).toHaveLength(16_384);
  });
});

describe('the code of what was thrown', () => {
  it.each([
    new HandlerTimeoutError('Orders.handle', 5),
    Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('exists'), { code: '23505' }),
    Object.assign(new Error('gone'), { code: 'P2025' }),
  ])('is reported, and not stored: %s', (error) => {
    expect(errorRecord(error).code).toBe(error.code);
    expect(storedError(error)).toEqual({ ...errorRecord(error), code: undefined });
  });

  it.each(['4111111111111111', 'no code', 'ada@example.com', 5, { a: 1 }, ''])(
    'is left out where it may be anything: %s',
    (code) =>
      expect(errorRecord(Object.assign(new Error('x'), { code }))).not.toHaveProperty('code'),
  );
});

it.each([
  'ShowNobody',
  'undefined',
  `{"card": ShowNobody}`,
  `{"card": "ShowNobody`,
  `{"card": "ShowNobody",,}`,
  `"a" ShowNobody ${'y'.repeat(99)}`,
  `[${'1,'.repeat(99)} ShowNobody ]`,
  `${'y'.repeat(99)} "ShowNobody"`,
  `ShowNobody "a" is not valid JSON\n"b`,
])('an entry that cannot be read is not quoted: %s', (payload) => {
  const error = thrownBy(() => JSON.parse(payload));
  const { message } = new UndecodableError('json', error);
  expect(message).toMatch(/^Codec "json" cannot read this entry: .*JSON.*\. Read the raw fields/);
  expect(message).not.toMatch(/ShowNobody|undefined|yyy|"a"/);
});

function thrownBy(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

describe('why an exception was thrown', () => {
  it.each([
    ['a list of messages', new BadRequestException(['a must be a text', 'b must be set'])],
    [
      'the response of a ValidationPipe',
      new BadRequestException({ message: ['a must be a text', 'b must be set'], statusCode: 400 }),
    ],
    [
      'errors of a validator',
      new RpcException([
        { property: 'a', constraints: { isString: 'a must be a text' }, children: [] },
        { property: 'b', constraints: { isSet: 'b must be set' } },
      ] as object),
    ],
  ])('is told where it is %s', (_, error) => {
    expect(errorRecord(error).message).toMatch(/: a must be a text; b must be set$/);
  });

  it('names nested properties, and what a response says beside its message', () => {
    const nested = [
      { property: 'lines', children: [{ property: '0', constraints: { min: 'pieces too few' } }] },
    ];
    expect(errorRecord(new RpcException(nested as object)).message).toContain(
      'lines.pieces too few',
    );
    const issues = new BadRequestException({
      message: 'Validation failed',
      errors: [{ path: 'a' }],
    });
    expect(errorRecord(issues).message).toBe('Validation failed: {"errors":[{"path":"a"}]}');
  });

  it('is not said twice', () => {
    expect(errorRecord(new BadRequestException('numbers only')).message).toBe('numbers only');
    expect(errorRecord(new RpcException('no')).message).toBe('no');
  });

  it('is bounded', () => {
    const many = Array.from({ length: 100_000 }, (_, n) => `rule ${n} failed`);
    expect(errorRecord(new BadRequestException(many)).message.length).toBeLessThan(16_384);
  });
});
