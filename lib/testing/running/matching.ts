import { isDeepStrictEqual } from 'node:util';

/** Stands in an expected value for all values that pass its check. */
export class Pattern {
  constructor(
    readonly description: string,
    readonly accepts: (actual: unknown) => boolean,
  ) {}
}

/** How strictly the properties of objects are compared. */
export type Comparison =
  /** Both have the same properties. A property that is undefined counts as absent. */
  | 'equal'
  /** The actual object may have more. */
  | 'part';

/** Whether a value is what a test expects. */
export function matches(actual: unknown, expected: unknown, how: Comparison): boolean {
  if (expected instanceof Pattern) return expected.accepts(actual);
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item, index) => matches(actual[index], item, how))
    );
  }
  if (expected instanceof Map) return actual instanceof Map && sameEntries(actual, expected, how);
  if (isRecord(expected)) return isObject(actual) && sameProperties(actual, expected, how);
  return isDeepStrictEqual(actual, expected);
}

function sameEntries(
  actual: ReadonlyMap<unknown, unknown>,
  expected: ReadonlyMap<unknown, unknown>,
  how: Comparison,
): boolean {
  return (
    actual.size === expected.size &&
    [...expected].every(([key, value]) => actual.has(key) && matches(actual.get(key), value, how))
  );
}

type Properties = Readonly<Record<string, unknown>>;

function sameProperties(actual: Properties, expected: Properties, how: Comparison): boolean {
  const names = new Set(Object.keys(expected));
  if (how === 'equal') for (const name of Object.keys(actual)) names.add(name);
  return [...names].every(
    (name) => (how === 'equal' || name in actual) && matches(actual[name], expected[name], how),
  );
}

const isObject = (value: unknown): value is Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object literal, as tests write them; all other objects are compared as Node compares them. */
const isRecord = (value: unknown): value is Properties =>
  isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object);
