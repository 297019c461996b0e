import { beforeAll, describe, expect, it } from 'vitest';
import { functionNames } from '../support/function-names.js';

/** Texts for people. None of them is a key, a token, or is compared with another one. */
const TEXTS = [
  // The name of an error, in what is printed and in dead letters. Errors are told apart by `code`.
  'core/errors/streams.error.ts: new.target.name',
  // What inspect shows of a client or a pool.
  'drivers/postgres/connection/pg-pool.ts: constructor.name',
  // What is wrong with a decorator.
  'nest/events/decorated-methods.ts: instance.constructor.name',
  'nest/handling/stream-handler.decorator.ts: target.constructor.name',
  // Which listener failed.
  'nest/load-balancing/stream-listeners.ts: prototype.constructor.name',
  // Which class has no token.
  'nest/tokens.ts: type.name',
  // Messages of contract tests, and String, Number and Boolean, which nothing minifies.
  'testing/running/expect.ts: constructor.name',
  'testing/running/expect.ts: constructor.name',
  'testing/running/expect.ts: type.name',
];

describe('the name of a function or class', { timeout: 120_000 }, () => {
  let found: string[];
  beforeAll(() => {
    found = functionNames({ 'sample.ts': SAMPLE });
  }, 120_000);

  it('is no identity: two of them may be alike in a minified bundle', () => {
    expect(found.filter((place) => !place.startsWith('sample.ts'))).toEqual(TEXTS);
  });

  it.each([
    'of.constructor.name',
    'method.name',
    "method['name']",
    'name',
    'name: other',
    'either.name',
    'unknown.name',
    'type?.name',
    'generic.name',
  ])('is found wherever it is read: %s', (place) => {
    expect(found).toContain(`sample.ts: ${place}`);
  });

  it('is not taken for the name of anything else', () => {
    expect(found.filter((place) => place.includes('order'))).toEqual([]);
  });
});

const SAMPLE = `
  export function sample<T extends new () => object>(
    of: object,
    method: () => void,
    either: { name: string } | (() => void),
    unknown: any,
    type: (abstract new () => object) | undefined,
    generic: T,
    order: { name: string; method: () => void },
  ): unknown[] {
    const { name } = method;
    const { name: other } = method;
    const { name: ofOrder } = order;
    return [
      of.constructor.name, method.name, method['name'], name, other, either.name,
      unknown.name, type?.name, generic.name, order.name, order['name'], ofOrder,
    ];
  }
`;
