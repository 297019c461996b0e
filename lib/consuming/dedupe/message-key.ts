import { disarm } from '../../core/disarm.js';
import type { Delivery } from '../../core/delivery.js';
import { InvalidMessageKeyError } from '../../core/errors/handling.errors.js';
import type { DedupeKey } from '../../core/completion.js';
import { idempotencyKeyOf } from '../../core/codecs/idempotency-key.js';

/** Every key is kept for its whole `ttl`. */
const LONGEST_KEY = 1024;

/**
 * What a message is known by; undefined: by nothing.
 * @throws InvalidMessageKeyError, and whatever a function throws
 */
export function keyOf(delivery: Delivery, key: DedupeKey): string | undefined {
  if (key === 'message') return delivery.id;
  // An id behind a sign: no producer's key may be taken for one by chance.
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
