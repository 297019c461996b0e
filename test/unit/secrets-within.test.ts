import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { concealed } from '../../lib/core/option-schema/concealed.js';
import { secret } from '../support/secrets.js';
import { secretsWithin } from '../support/secrets-within.js';

const PASSWORD = secret('user');

class Keeper {
  readonly #password = PASSWORD;
  get password(): string {
    return this.#password;
  }
}

/** What is a key of a weak map only is collected, and its value with it. */
const KEY = new Keeper();

describe('secretsWithin', () => {
  it.each<[string, unknown, string]>([
    ['a text', PASSWORD, ''],
    ['a field', { options: { password: PASSWORD } }, '.options.password'],
    ['a list', { args: ['user', PASSWORD] }, '.args.1'],
    ['a symbol', { [Symbol('s')]: PASSWORD }, '.Symbol(s)'],
    ['a hidden field', Object.defineProperty({}, 'h', { value: PASSWORD }), '.h'],
    ['a field of a function', { f: Object.assign(() => 1, { password: PASSWORD }) }, '.f.password'],
    ['a key of a map', new Map([[PASSWORD, 1]]), '<key>'],
    ['a value of a map', new Map([['one', { password: PASSWORD }]]), '<one>.password'],
    ['a set', new Set([{ password: PASSWORD }]), '<entry>.password'],
    ['an error', { last: Object.assign(new Error(), { args: [PASSWORD] }) }, '.last.args.0'],
    ['a promise', { asking: Promise.resolve({ password: PASSWORD }) }, '.asking'],
    ['a weak map', { known: new WeakMap([[KEY, PASSWORD]]) }, '.known'],
    ['a proxy', { proxy: new Proxy({ password: PASSWORD }, {}) }, '.proxy'],
    ['bytes', { sent: Buffer.from(PASSWORD) }, '.sent'],
    ['a description', concealed({ password: PASSWORD }, () => 'nothing'), '.password'],
  ])('finds one in %s', (_, value, way) => {
    expect(secretsWithin(value)).toEqual([way]);
  });

  it('finds what lies deeper than a text of inspect could show, and goes round no circle', () => {
    const root: { next?: unknown; root?: unknown; password?: string } = {};
    root.root = root;
    let deepest = root;
    for (let depth = 0; depth < 100; depth++) deepest = deepest.next = { root };
    deepest.password = PASSWORD;
    expect(secretsWithin(root)).toEqual([`${'.next'.repeat(100)}.password`]);
  });

  it('finds nothing where inspect finds nothing', () => {
    expect(secretsWithin({ keeper: new Keeper(), bound: () => PASSWORD })).toEqual([]);
  });

  it('takes descriptions and getters for what they show, where it is asked to', () => {
    const described = { described: true, getters: true };
    const hidden = concealed({ password: PASSWORD }, () => 'a client');
    const told = { [inspect.custom]: () => ({ password: PASSWORD }) };
    expect(secretsWithin({ hidden }, described)).toEqual([]);
    expect(secretsWithin({ told }, described)).toEqual(['.told[described].password']);
    expect(secretsWithin(new Keeper(), described)).toEqual(['.password']);
  });
});
