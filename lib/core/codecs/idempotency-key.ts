import { fieldOf } from './codec.js';
import type { Fields } from '../message.js';

/** Stands behind the codec's own fields where a message was published with a key. */
const KEY_FIELD = 'idempotency_key';

/** The fields, with the producer's key for whoever reads them. */
export const withIdempotencyKey = (fields: Fields, key: string): Fields => [
  ...fields,
  KEY_FIELD,
  key,
];

/** The producer's own name for the message, where it gave one. */
export const idempotencyKeyOf = (fields: Fields): string | undefined => fieldOf(fields, KEY_FIELD);
