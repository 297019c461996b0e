import { disarm } from '../../core/returned-promise.js';
import type { Delivery } from '../../core/delivery.js';
import { InvalidMessageKeyError } from '../../core/errors/handling.errors.js';
import type { DedupeKey } from '../../core/completion.js';
import { idempotencyKeyOf } from '../../core/codecs/idempotency-key.js';

/** Longest key: every key is kept for its whole `ttl`. */
const LONGEST_KEY = 1024;

/**
 * The key of a message. Undefined: it has none.
 * @throws InvalidMessageKeyError, and what the function throws
 */
export function keyOf(delivery: Delivery, key: DedupeKey): string | undefined {
  if (key === 'message') return delivery.id;
  // A sign before the id, so that no producer's key equals it by chance.
  if (key === 'idempotencyKey') {
    return idempotencyKeyOf(delivery.lease.fields ?? []) ?? `@${delivery.id}`;
  }
  const found: unknown = key(delivery.message);
  if (found === undefined) return undefined;
  disarm(found);
  if (typeof found !== 'string' || found === '' || found.length > LONGEST_KEY) {
    throw new InvalidMessageKeyError(delivery.handler!.name, found, LONGEST_KEY);
  }
  return found;
}
