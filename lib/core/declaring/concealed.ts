import { inspect } from 'node:util';

/**
 * Has `inspect`, and with it every logger, and `JSON.stringify` show a description instead of what
 * this object holds: passwords, keys. It works as before.
 */
export function concealed<T extends object>(object: T, describe: (object: T) => string): T {
  const show = { value: () => describe(object), configurable: true };
  return Object.defineProperties(object, { [inspect.custom]: show, toJSON: show });
}
