import { disarm } from '../core/returned-promise.js';
import type { OrderKey } from '../core/handler-policy.js';
import type { Message } from '../core/message.js';

/**
 * Defines which messages are handled one after the other: a path into the payload, such as
 * `'customerId'` or `'order.customer.id'`, or a function of the message. Numbers and texts that
 * look the same are the same key, and so are objects with the same JSON. A message whose key is
 * `undefined` or `null` is in no order.
 */
export type OrderBy<P = unknown> = PayloadPath<P> | ((message: Message<P>) => unknown);

/**
 * A path into a payload of type `P`, such as `'customer.id'`: names of properties, up to five of them.
 * Any text where the type of the payload is not known.
 */
export type PayloadPath<P> = unknown extends P ? string : PathInto<P, [1, 1, 1, 1]>;

/** @typeParam Below one item for each further name that a path may have */
type PathInto<P, Below extends readonly unknown[]> = P extends Nameless
  ? never
  : P extends readonly (infer Item)[]
    ? Extended<`${number}`, Item, Below>
    : { [K in keyof P & string]: P[K] extends Call ? never : Extended<K, P[K], Below> }[keyof P &
        string];

type Extended<Name extends string, Value, Below extends readonly unknown[]> =
  | Name
  | (Below extends readonly [unknown, ...infer Rest]
      ? unknown extends Value
        ? `${Name}.${string}`
        : `${Name}.${PathInto<Value, Rest>}`
      : never);

type Call = (...args: never[]) => unknown;
type Nameless = string | number | bigint | boolean | symbol | null | undefined | Call;

export function orderKey(orderBy: OrderBy): OrderKey {
  const find = typeof orderBy === 'string' ? valueAt(orderBy.split('.')) : orderBy;
  return (message) => {
    const key = find(message);
    if (key === undefined || key === null) return undefined;
    // As texts all promises are equal.
    if (disarm(key)) throw new TypeError('orderBy must answer a key, not a promise of one');
    return typeof key === 'object' ? JSON.stringify(key) : String(key);
  };
}

/** Whether a value is a path or a function. */
export const isOrderBy = (orderBy: unknown): orderBy is OrderBy =>
  typeof orderBy === 'function' ||
  (typeof orderBy === 'string' && orderBy.split('.').every((name) => name !== ''));

function valueAt(path: readonly string[]): (message: Message) => unknown {
  return ({ payload }) => {
    let value = payload;
    for (const name of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) {
        return undefined;
      }
      value = (value as Record<string, unknown>)[name];
    }
    return value;
  };
}
