import { decodeLetter, type Letter } from '../dead-letters/letter.js';
import { decodeMessage } from '../wire/decode-message.js';
import type { RawMessage, ReadEntry } from './durable-reading.js';

/** Reads a message of a stream of the application. */
export const readDelivered = (
  message: RawMessage,
  sequence: number,
  storedAt: number,
): ReadEntry => ({
  id: String(sequence),
  publishedAt: storedAt,
  fields: decodeMessage(message),
  redrive: undefined,
});

/**
 * Reads redriven messages. Undefined: it is none, or one of another version of this library.
 * @param moved makes sure that the dead letter, of which the message was made, is gone
 */
export const readRedriven =
  (moved: (deadLetter: number) => Promise<void>) =>
  ({ subject, data }: RawMessage): ReadEntry | undefined => {
    const redrive = Number(subject.slice(subject.lastIndexOf('.') + 1));
    const letter = letterOf(data);
    if (!letter) return undefined;
    const { record, fields } = letter;
    // It is tried again at the next delivery, and by the process that redrives.
    moved(redrive).catch(() => undefined);
    return { id: record.id, publishedAt: Date.parse(record.publishedAt), fields, redrive };
  };

function letterOf(data: Uint8Array): Letter | undefined {
  try {
    return decodeLetter(data);
  } catch {
    return undefined;
  }
}
