import type { Abstract, Type } from '@nestjs/common';
import { DEFAULT_NAME } from '../options/streams-options.js';
import { InvalidOptionsError } from '../core/errors/start-up.errors.js';

/** What Nest tells transports apart by: the same symbol for a transport and the handlers meant for it. */
export const transportIdOf = (name: string): symbol => Symbol.for(`nestjs-redis-streams:${name}`);

/**
 * The injection token of a class of the module with this name: the class itself for `'default'`.
 *
 * ```ts
 * app.get(getStreamsToken('orders', StreamsTransport));
 * ```
 * @throws InvalidOptionsError for a class that no module provides
 */
export function getStreamsToken<T>(name: string, type: Type<T> | Abstract<T>): Type<T> | string {
  if (name === DEFAULT_NAME) return type as Type<T>;
  // Its own: a class that extends one of these is provided by no module.
  if (Object.hasOwn(type, 'token')) return `${(type as Partial<Provided>).token}(${name})`;
  throw new InvalidOptionsError([
    `getStreamsToken knows classes that the module provides, such as StreamPublisher, not ${type.name}`,
  ]);
}

/**
 * The injection token of the driver of the module with this name. A test overrides it, and keeps all
 * other options of the application:
 *
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getSourceToken())
 *   .useValue(kit.source);
 * ```
 * @param name @default 'default'
 */
export const getSourceToken = (name = DEFAULT_NAME): string =>
  `nestjs-redis-streams:source(${name})`;

/** A class that a module provides. */
interface Provided {
  readonly token: string;
}
