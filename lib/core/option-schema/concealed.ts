import { inspect } from 'node:util';

/**
 * Makes `inspect`, every logger that uses it, and `JSON.stringify` show a description of an object
 * instead of its contents, such as passwords and keys. The object works as before.
 */
export function concealed<T extends object>(object: T, describe: (object: T) => string): T {
  const show = { value: () => describe(object), configurable: true };
  return Object.defineProperties(object, { [inspect.custom]: show, toJSON: show });
}
