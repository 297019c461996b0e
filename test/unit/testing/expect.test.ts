import { AssertionError } from 'node:assert';
import { describe, expect as must, test } from 'vitest';
import { expect } from '../../../lib/testing/running/expect.js';

class Broken extends TypeError {
  readonly code = 'BROKEN';
}

const rejected = async (reason: Error): Promise<never> => {
  throw reason;
};

/** Each as it holds, and as it fails. */
const assertions: Record<string, readonly [() => unknown, () => unknown]> = {
  toBe: [() => expect(Number.NaN).toBe(Number.NaN), () => expect([]).toBe([])],
  'not.toBe': [() => expect({}).not.toBe({}), () => expect('a').not.toBe('a')],
  'toEqual of lists': [() => expect([1, [2]]).toEqual([1, [2]]), () => expect([1]).toEqual([1, 2])],
  'toEqual of a shorter list': [() => expect([]).toEqual([]), () => expect([1, 2]).toEqual([1])],
  'toEqual of objects': [
    () => expect({ a: 1, b: undefined }).toEqual({ a: 1, c: undefined }),
    () => expect({ a: 1, b: 2 }).toEqual({ a: 1 }),
  ],
  'toEqual of what is missing': [
    () => expect({ a: { b: 1 } }).toEqual({ a: { b: 1 } }),
    () => expect({ a: {} }).toEqual({ a: { b: 1 } }),
  ],
  'toEqual of maps': [
    () => expect(new Map([['a', { b: 1 }]])).toEqual(new Map([['a', { b: 1 }]])),
    () => expect(new Map([['a', 1]])).toEqual(new Map([['b', 1]])),
  ],
  'toEqual of sets': [
    () => expect(new Set([1, 2])).toEqual(new Set([2, 1])),
    () => expect(new Set([1])).toEqual(new Set([2])),
  ],
  'toEqual of null': [() => expect(null).toEqual(null), () => expect(null).toEqual({})],
  'toEqual of undefined': [
    () => expect([undefined]).toEqual([undefined]),
    () => expect(undefined).toEqual({}),
  ],
  'toEqual of bytes': [
    () => expect(Buffer.from('a')).toEqual(Buffer.from('a')),
    () => expect(Buffer.from('a')).toEqual(Buffer.from('b')),
  ],
  'not.toEqual': [() => expect([1]).not.toEqual([2]), () => expect([1]).not.toEqual([1])],
  'toMatchObject of a part': [
    () => expect({ a: 1, b: { c: 2, d: 3 } }).toMatchObject({ b: { c: 2 } }),
    () => expect({ a: 1, b: { c: 2 } }).toMatchObject({ b: { c: 3 } }),
  ],
  'toMatchObject of lists': [
    () => expect([{ a: 1, b: 2 }]).toMatchObject([{ a: 1 }]),
    () => expect([{ a: 1 }, { a: 2 }]).toMatchObject([{ a: 1 }]),
  ],
  'toMatchObject of undefined': [
    () => expect({ a: undefined }).toMatchObject({ a: undefined }),
    () => expect({}).toMatchObject({ a: undefined }),
  ],
  'toMatchObject of an error': [
    () => expect(new Broken('oh')).toMatchObject({ code: 'BROKEN', message: 'oh' }),
    () => expect(new Broken('oh')).toMatchObject({ code: 'OTHER' }),
  ],
  'toMatchObject of a getter': [
    () =>
      expect(
        new (class {
          get a() {
            return 1;
          }
        })(),
      ).toMatchObject({ a: 1 }),
    () => expect('text').toMatchObject({ a: 1 }),
  ],
  toBeUndefined: [() => expect(undefined).toBeUndefined(), () => expect(null).toBeUndefined()],
  toBeDefined: [() => expect(null).toBeDefined(), () => expect(undefined).toBeDefined()],
  toHaveLength: [() => expect('ab').toHaveLength(2), () => expect(undefined).toHaveLength(0)],
  toBeGreaterThan: [() => expect(2).toBeGreaterThan(1), () => expect(1).toBeGreaterThan(1)],
  toBeGreaterThanOrEqual: [
    () => expect(1).toBeGreaterThanOrEqual(1),
    () => expect(0).toBeGreaterThanOrEqual(1),
  ],
  toBeLessThan: [() => expect(0).toBeLessThan(1), () => expect(1).toBeLessThan(1)],
  toBeLessThanOrEqual: [
    () => expect(1).toBeLessThanOrEqual(1),
    () => expect(undefined).toBeLessThanOrEqual(1),
  ],
  toContain: [() => expect(['a']).toContain('a'), () => expect('abc').toContain('d')],
  toMatch: [() => expect('abc').toMatch(/b/), () => expect(undefined).toMatch(/undefined/)],
  toBeTypeOf: [() => expect('').toBeTypeOf('string'), () => expect(1).toBeTypeOf('string')],
  toBeInstanceOf: [
    () => expect(new Broken('')).toBeInstanceOf(TypeError),
    () => expect(new Error('')).toBeInstanceOf(TypeError),
  ],
  any: [
    () =>
      expect([1, 'a', new Broken('')]).toEqual([
        expect.any(Number),
        expect.any(String),
        expect.any(Error),
      ]),
    () => expect('1').toEqual(expect.any(Number)),
  ],
  anything: [
    () => expect([0]).toEqual([expect.anything()]),
    () => expect([null]).toEqual([expect.anything()]),
  ],
  stringContaining: [
    () => expect({ a: 'xyz' }).toEqual({ a: expect.stringContaining('y') }),
    () => expect({ a: 1 }).toEqual({ a: expect.stringContaining('1') }),
  ],
  objectContaining: [
    () => expect([{ a: 1, b: 2 }]).toEqual([expect.objectContaining({ a: 1 })]),
    () => expect([{ b: 2 }]).toEqual([expect.objectContaining({ a: 1 })]),
  ],
  'rejects.toThrow': [
    () => expect(rejected(new Broken(''))).rejects.toThrow(),
    () => expect(Promise.resolve(new Error(''))).rejects.toThrow(),
  ],
  'rejects.toThrow of a class': [
    () => expect(rejected(new Broken(''))).rejects.toThrow(Broken),
    () => expect(rejected(new Error(''))).rejects.toThrow(Broken),
  ],
  'rejects.toThrow of a text': [
    () => expect(rejected(new Broken('oh no'))).rejects.toThrow('no'),
    () => expect(rejected(new Error('oh'))).rejects.toThrow('no'),
  ],
  'rejects.toMatchObject': [
    () => expect(rejected(new Broken(''))).rejects.toMatchObject({ code: 'BROKEN' }),
    () => expect(rejected(new Error(''))).rejects.toMatchObject({ code: 'BROKEN' }),
  ],
};

describe('expect of the contract suites', () => {
  test.each(Object.entries(assertions))('%s', async (_name, [holds, fails]) => {
    await holds();
    await must(async () => fails()).rejects.toThrow(AssertionError);
  });

  test('a failure says what was expected, and carries both values', () => {
    const error = (() => {
      try {
        expect({ a: [1] }, 'the answer').toEqual({ a: [2] });
      } catch (thrown) {
        return thrown as AssertionError;
      }
    })();
    must(error?.message).toMatch('the answer: Expected { a: [ 1 ] }\nto equal { a: [ 2 ] }');
    must(error).toMatchObject({ actual: { a: [1] }, expected: { a: [2] } });
  });
});
