import { AssertionError } from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';
import { matches, Pattern } from './matching.js';

type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * The assertions of the contract suites: those of vitest and jest that the suites use, without
 * vitest or jest. Failures are `AssertionError`s of Node with `actual` and `expected`, which every
 * runner shows as a difference.
 */
export function expect(actual: unknown, message?: string) {
  return {
    ...assertions(actual, message),
    not: refutations(actual, message),
    rejects: rejections(actual, message),
  };
}

/** Any value of this class or primitive type: `expect.any(Number)`. */
expect.any = (type: unknown): unknown => {
  const constructor = type as { new (): unknown; readonly name: string };
  return new Pattern(`any ${constructor.name}`, (actual) => {
    const primitive = typeof actual === constructor.name.toLowerCase();
    return primitive || actual instanceof constructor;
  });
};

/** Any value but null and undefined. */
expect.anything = (): unknown => new Pattern('anything', (actual) => actual != null);

expect.stringContaining = (part: string): unknown =>
  new Pattern(`text with ${inspect(part)}`, (it) => typeof it === 'string' && it.includes(part));

expect.objectContaining = (part: object): unknown =>
  new Pattern(`object with ${inspect(part)}`, (actual) => matches(actual, part, 'part'));

function assertions(actual: unknown, message: string | undefined) {
  const check = checkOf(actual, message);
  const size = (word: string, limit: number, holds: (value: number) => boolean) =>
    check(typeof actual === 'number' && holds(actual), word, limit);
  return {
    toBe: (expected: unknown) => check(Object.is(actual, expected), 'be', expected),
    toEqual: (expected: unknown) => check(matches(actual, expected, 'equal'), 'equal', expected),
    toMatchObject: (expected: unknown) =>
      check(matches(actual, expected, 'part'), 'match', expected),
    toBeUndefined: () => check(actual === undefined, 'be', undefined),
    toBeDefined: () => check(actual !== undefined, 'be defined'),
    toHaveLength: (length: number) =>
      check((actual as { length?: unknown } | undefined)?.length === length, 'have length', length),
    toBeGreaterThan: (limit: number) => size('be greater than', limit, (it) => it > limit),
    toBeGreaterThanOrEqual: (limit: number) => size('be at least', limit, (it) => it >= limit),
    toBeLessThan: (limit: number) => size('be less than', limit, (it) => it < limit),
    toBeLessThanOrEqual: (limit: number) => size('be at most', limit, (it) => it <= limit),
    toContain: (item: unknown) =>
      check((actual as { includes(item: unknown): boolean }).includes(item), 'contain', item),
    toMatch: (pattern: RegExp) =>
      check(typeof actual === 'string' && pattern.test(actual), 'match', pattern),
    toBeTypeOf: (type: string) => check(typeof actual === type, 'be of type', type),
    toBeInstanceOf: (type: ErrorClass) => check(actual instanceof type, 'be a', type.name),
  };
}

function refutations(actual: unknown, message: string | undefined) {
  const check = checkOf(actual, message);
  return {
    toBe: (expected: unknown) => check(!Object.is(actual, expected), 'not be', expected),
    toEqual: (expected: unknown) =>
      check(!matches(actual, expected, 'equal'), 'not equal', expected),
  };
}

function rejections(actual: unknown, message: string | undefined) {
  const reason = async (): Promise<unknown> => {
    try {
      await (actual as Promise<unknown>);
    } catch (error) {
      return error;
    }
    throw failure(message, 'Expected a rejection', 'resolved', 'rejected');
  };
  return {
    /** With an error, with one of a class, or with one whose message has this text in it. */
    toThrow: async (expected: ErrorClass | string = Error): Promise<void> => {
      const error = await reason();
      if (typeof expected !== 'string') return expect(error, message).toBeInstanceOf(expected);
      return expect(error, message).toMatchObject({ message: expect.stringContaining(expected) });
    },
    toMatchObject: async (expected: object): Promise<void> =>
      expect(await reason(), message).toMatchObject(expected),
  };
}

function checkOf(actual: unknown, message: string | undefined) {
  return (holds: boolean, words: string, ...expected: [unknown?]): void => {
    if (holds) return;
    const [shown, wanted] = [actual, ...expected].map((value) => inspect(value, { depth: 6 }));
    throw failure(message, `Expected ${shown}\nto ${words} ${wanted ?? ''}`, actual, expected[0]);
  };
}

function failure(
  about: string | undefined,
  text: string,
  actual: unknown,
  expected: unknown,
): AssertionError {
  const message = about === undefined ? text : `${about}: ${text}`;
  const operator = isDeepStrictEqual(actual, expected) ? 'notDeepStrictEqual' : 'deepStrictEqual';
  return new AssertionError({ message, actual, expected, operator, stackStartFn: failure });
}
