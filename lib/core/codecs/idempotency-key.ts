import { fieldOf } from './codec.js';
import type { Fields } from '../message.js';

/** The field behind the codec's own fields where a message was published with a key. */
const KEY_FIELD = 'idempotency_key';

/** Adds the producer's key to the fields, for the consumers that read them. */
export const withIdempotencyKey = (fields: Fields, key: string): Fields => [
  ...fields,
  KEY_FIELD,
  key,
];

/** The producer's own name for the message. Undefined where it gave none. */
export const idempotencyKeyOf = (fields: Fields): string | undefined => fieldOf(fields, KEY_FIELD);
