import type { Codec } from '../../core/codecs/codec.js';
import type { Delivery } from '../../core/delivery.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { UndecodableError } from '../../core/errors/handling.errors.js';
import type { Middleware } from '../../core/middleware.js';
import { deadLetter } from '../../core/settlement.js';
import { decodeMessage } from '../running/decoded-message.js';

/** Parses the entry once, and only for a handler that will see it. */
export function decode(codec: Codec): Middleware {
  return (delivery, next) => {
    try {
      // Where order matters, or duplicates do, it has been parsed before.
      if (!delivery.message) delivery.message = decodeMessage(delivery, codec);
    } catch (error) {
      const record = errorRecord(new UndecodableError(codec.name, error));
      return Promise.resolve(deadLetter('undecodable', record));
    }
    return next(delivery);
  };
}

/** Decodes it early. False: it cannot be read, which {@link decode} will say. */
export function decodeInto(delivery: Delivery, codec: Codec): boolean {
  try {
    delivery.message ??= decodeMessage(delivery, codec);
    return true;
  } catch {
    return false;
  }
}
