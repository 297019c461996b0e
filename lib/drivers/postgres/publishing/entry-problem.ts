import { InvalidMessageError } from '../../../core/errors/publishing.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';

/** Undefined: the entry is a list of names and values in turn. */
export function problemOf({ stream, fields }: OutgoingEntry): Error | undefined {
  if (fields.length > 0 && fields.length % 2 === 0) return undefined;
  return new InvalidMessageError(
    `An entry for "${stream}" needs names and values in turn, at least one of each.`,
  );
}
