import { anyText, list, nested, text } from '../core/option-schema/kinds.js';
import { declareOptions } from '../core/option-schema/shape.js';
import type { Option } from '../core/option-schema/option.js';
import { SLOTS_OPTIONS } from '../options/slots-options.js';
import { SETTINGS_OPTIONS } from '../options/streams-options.js';

/** What a file says of one consumer. */
export const CONSUMER = declareOptions('a consumer', {
  /** Name of the consumer: last part of the keys of its records. */
  name: text(),
  /** For readers of the file. Has no effect. */
  description: anyText(),
  /** What fills the message source, the state store and the dead letter queue. */
  slots: nested(SLOTS_OPTIONS).required() as Option<unknown, 'required'>,
  /** The options of the transport. */
  behavior: nested(SETTINGS_OPTIONS) as Option<unknown>,
});

/** One of several consumers. */
export const NAMED_CONSUMER = declareOptions(CONSUMER.of, {
  ...CONSUMER.options,
  name: text().required(),
});

/** What a file with several consumers holds. */
export const CONSUMERS = declareOptions('a file with several consumers', {
  /** Each with a name of its own. */
  consumers: list(nested(NAMED_CONSUMER), 'a list of consumers', 1).required() as Option<
    unknown,
    'required'
  >,
});
