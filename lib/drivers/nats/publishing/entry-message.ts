import { fieldOf } from '../../../core/codecs/codec.js';
import { InvalidMessageError } from '../../../core/errors/publishing.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';
import { encodeEntry } from '../wire/encode-entry.js';
import { idOfKey, MESSAGE_ID } from './message-id.js';
import type { NatsMessage } from './nats-message.js';

/**
 * Turns an entry into a message, or into the error for which it is refused.
 * @param id its `Nats-Msg-Id`, where the entry has no idempotency key
 */
export function entryMessage(
  entry: OutgoingEntry,
  subject: string,
  id = idOf(entry, subject),
): NatsMessage | Error {
  const { stream, fields, hasBytes } = entry;
  if (fields.length === 0 || fields.length % 2 === 1) return noEntry(stream);
  const { body, headers } = encodeEntry(fields, hasBytes);
  return {
    ...{ stream, subject, body, eventType: fieldOf(fields, 'event_type') },
    headers: id === undefined ? headers : [...headers, MESSAGE_ID, id],
  };
}

/** The `Nats-Msg-Id` of an entry with an idempotency key. */
export const idOf = ({ idempotency }: OutgoingEntry, subject: string): string | undefined =>
  idempotency && idOfKey(subject, idempotency.key);

const noEntry = (stream: string): Error =>
  new InvalidMessageError(
    `An entry for "${stream}" needs names and values in turn, at least one of each.`,
  );
