/** Values that break what looks at them: what user code may throw, return or reject with. */
export const HOSTILE: readonly (readonly [what: string, make: () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a symbol', () => Symbol('thrown')],
  ['a BigInt', () => 5n],
  ['a function', () => Object.assign(() => 1, { toString: fails })],
  ['an object without a prototype', () => Object.create(null) as unknown],
  ['a circular object', circular],
  ['a revoked proxy', revoked],
  ['an error whose message throws', () => getter('message')],
  ['an error whose name throws', () => getter('name')],
  ['an error whose stack throws', () => getter('stack')],
  ['an error whose name is a symbol', () => Object.assign(new Error('x'), { name: Symbol('n') })],
  ['an error whose message is circular', () => assigned('message', circular())],
  ['an error whose message is a BigInt', () => assigned('message', 5n)],
  ['an error whose stack is a number', () => assigned('stack', 7)],
  ['an error whose response throws', () => Object.assign(new Error('x'), { getResponse: fails })],
  [
    'an error whose response is circular',
    () => Object.assign(new Error('x'), { getResponse: circular }),
  ],
  ['a huge error', () => new Error('ü'.repeat(1_000_000))],
];

function fails(): never {
  throw new Error('hostile');
}

function circular(): object {
  const value: { self?: object; message?: object } = {};
  value.self = value.message = value;
  return value;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const getter = (name: string): Error => Object.defineProperty(new Error('x'), name, { get: fails });
const assigned = (name: string, value: unknown): Error =>
  Object.defineProperty(new Error('x'), name, { value });
