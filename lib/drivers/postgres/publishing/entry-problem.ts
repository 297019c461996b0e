import { InvalidMessageError } from '../../../core/errors/publishing.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { Streams } from '../streams/streams.js';

/** Undefined: the entry is a list of names and values in turn, for a stream that can be. */
export function problemOf({ stream, fields }: OutgoingEntry, streams: Streams): Error | undefined {
  if (fields.length > 0 && fields.length % 2 === 0) return streams.problemOf(stream);
  return new InvalidMessageError(
    `An entry for "${stream}" needs names and values in turn, at least one of each.`,
  );
}
