import type { Deserializer } from '@nestjs/microservices';
import { part } from '../core/option-schema/kinds.js';
import { refuse } from '../core/option-schema/refuse.js';
import { declareOptions, isRecord } from '../core/option-schema/shape.js';

const SERIALIZATION = declareOptions('serialization', {
  serializer: part<object>('serialize', 'an object with a method serialize'),
  deserializer: part<Deserializer>('deserialize', 'an object with a method deserialize'),
});

const OPTIONS = declareOptions('transports and clients', {});

/**
 * Takes what is Nest's from the options of a transport or client.
 * @throws InvalidOptionsError
 */
export function splitSerialization<
  Options extends { serializer?: unknown; deserializer?: unknown },
>(
  options: Options,
): [Pick<Options, 'serializer' | 'deserializer'>, Omit<Options, 'serializer' | 'deserializer'>] {
  if (!isRecord(options)) refuse(OPTIONS.problems(options, '', 'the options'));
  const { serializer, deserializer, ...own } = options;
  refuse(SERIALIZATION.problems({ serializer, deserializer }));
  return [{ serializer, deserializer } as Pick<Options, 'serializer' | 'deserializer'>, own];
}
