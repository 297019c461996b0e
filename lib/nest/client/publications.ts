import { shown } from '../../core/option-schema/wording.js';
import { isSqlTransaction } from '../../ports/sql-transaction.js';
import { InvalidMessageError } from '../../core/errors/publishing.errors.js';
import { isRecord } from '../../core/option-schema/shape.js';
import {
  PUBLISH_OPTIONS,
  type Publication,
  type PublishOptions,
} from '../../options/publish-options.js';

/**
 * The message that the arguments of `publish` mean.
 * @throws InvalidMessageError for options that are no object
 */
export function publicationOf(
  eventType: string,
  payload: unknown,
  options: PublishOptions | undefined,
): Publication {
  if (options === undefined) return { eventType, payload };
  // Spreading a text or a promise would silently give no options.
  if (!isRecord(options)) throw new InvalidMessageError(PUBLISH_OPTIONS.problems(options).join());
  return { ...options, eventType, payload };
}

/** @throws InvalidMessageError for what is no transaction */
export function requireTransaction(transaction: unknown): void {
  if (isSqlTransaction(transaction)) return;
  throw new InvalidMessageError(
    `within() takes a transaction, an object with a function query, not ${shown(transaction)}`,
  );
}
