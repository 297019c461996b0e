import type { Fields, Message, OutgoingMessage } from '../message.js';

/** The parts of a {@link Message} that come out of an entry's fields. */
export interface DecodedFields {
  readonly payload: unknown;
  readonly metadata?: Message['metadata'];
  /** ISO 8601. Left out where the source's own time of the entry is the right one. */
  readonly timestamp?: string;
}

/**
 * Turns messages into fields and back. Both directions are pure and synchronous.
 *
 * A codec throws on input that it cannot read. It need not wrap the error: the pipeline makes a
 * dead letter with the reason `undecodable` and the raw fields.
 */
export interface Codec {
  readonly name: string;
  encode(message: OutgoingMessage): Fields;
  /** Reads only the event type, before anything is parsed: filtered messages are never decoded. */
  eventType(fields: Fields, stream: string): string;
  decode(fields: Fields): DecodedFields;
}

/** The value of one field, or `undefined` where the entry has no such field. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] === name) return fields[index + 1];
  }
  return undefined;
}
