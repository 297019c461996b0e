import type { Abstract, Type } from '@nestjs/common';

/** The name of transports, clients and modules that were given none. */
export const DEFAULT_NAME = 'default';

/** What Nest tells transports apart by: the same symbol for a transport and the handlers meant for it. */
export const transportIdOf = (name: string): symbol => Symbol.for(`nestjs-redis-streams:${name}`);

/**
 * The injection token of a class of the module with this name: the class itself for `'default'`.
 *
 * ```ts
 * app.get(getStreamsToken('orders', StreamsTransport));
 * ```
 */
export function getStreamsToken<T>(name: string, type: Type<T> | Abstract<T>): Type<T> | string {
  return name === DEFAULT_NAME ? (type as Type<T>) : `${type.name}(${name})`;
}
