import type { DeadLetterAction, DeadLetterStrategy } from '../core/dead-letter-strategy.js';
import { checked, either, func, nested, oneOf, text } from '../core/option-schema/kinds.js';
import type { Option } from '../core/option-schema/option.js';
import { declareOptions } from '../core/option-schema/shape.js';

const ACTION = "'queue', 'drop', 'hold' or { forward: stream }";

const STREAM = 'the name of a stream, or a function that returns it';

const FORWARD = declareOptions('forward', {
  /** The stream to which messages are forwarded, or a function that returns it. */
  forward: either(STREAM, text(), func('a function')).required(),
});

/** What a function of the option `deadLetter` may return. */
export const deadLetterAction = either(
  ACTION,
  oneOf('queue', 'drop', 'hold'),
  nested(FORWARD),
) as Option<DeadLetterAction>;

/** The option `deadLetter`. */
export const deadLetter = (): Option<
  DeadLetterStrategy,
  'optional',
  DeadLetterStrategy | undefined
> =>
  either(
    `${ACTION}, or a function that returns one of these`,
    deadLetterAction,
    checked<DeadLetterStrategy>('a function', (given) => typeof given === 'function'),
  ) as Option<DeadLetterStrategy, 'optional', DeadLetterStrategy | undefined>;
