import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { bytesOfText, textOfBytes } from '../../../core/codecs/text-bytes.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import { DeadLetterTooLargeError } from '../../../core/errors/dead-letter.errors.js';
import type { Fields } from '../../../core/message.js';

/** What a stored dead letter says: the record, and the fields of the message as they were. */
export interface Letter {
  readonly record: DeadLetterRecord;
  readonly fields: Fields;
}

/** The first line of a stored dead letter. The bytes of all names and values follow it. */
interface Head {
  readonly record: DeadLetterRecord;
  /** Bytes of each name and each value, in turn. */
  readonly lengths: readonly number[];
  /** What follows the line is compressed. */
  readonly packed?: true;
}

const LINE_END = 0x0a;
/** Characters of an error's message that are kept where the dead letter is too large otherwise. */
const SHORT = 500;

/**
 * Makes the body of a dead letter: one line of JSON with the record, then the fields as they are. The
 * first of these that has `most` bytes at most: all as it is; without the stack of the error; also with a
 * short error message; also with compressed fields.
 * @throws DeadLetterTooLargeError
 */
export function encodeLetter({ record, fields }: Letter, most: number): Buffer {
  const parts = fields.map(bytesOfText);
  const lengths = parts.map(({ length }) => length);
  const all = Buffer.concat(parts);
  let size = 0;
  for (const one of [record, withoutStack(record), withShortError(record)]) {
    const line = lineOf({ record: one, lengths });
    size = line.length + all.length;
    if (size <= most) return Buffer.concat([line, all]);
  }
  const line = lineOf({ record: withShortError(record), lengths, packed: true });
  const packed = deflateRawSync(all);
  if (line.length + packed.length <= most) return Buffer.concat([line, packed]);
  throw new DeadLetterTooLargeError(record.stream, record.id, size, most);
}

/** The dead letter that {@link encodeLetter} has made a body of. Undefined: the body is none. */
export function readLetter(body: Uint8Array): Letter | undefined {
  try {
    const letter = decoded(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    const { stream, group, id, publishedAt } = letter.record;
    return [stream, group, id, publishedAt].every(isText) ? letter : undefined;
  } catch {
    return undefined;
  }
}

/** As {@link readLetter}. @throws Error where the body is no dead letter */
export function decodeLetter(body: Uint8Array): Letter {
  const letter = readLetter(body);
  if (!letter) throw new Error('The message is no dead letter of this library.');
  return letter;
}

function decoded(bytes: Buffer): Letter {
  const end = bytes.indexOf(LINE_END);
  const { record, lengths, packed } = JSON.parse(bytes.toString('utf8', 0, end)) as Head;
  const rest = bytes.subarray(end + 1);
  const all = packed ? inflateRawSync(rest) : rest;
  let at = 0;
  const fields = lengths.map((length) => textOfBytes(all, at, (at += length)));
  if (at !== all.length) throw new Error('The body was cut.');
  return { record, fields };
}

const isText = (value: unknown): boolean => typeof value === 'string';

const lineOf = (head: Head): Buffer => Buffer.from(`${JSON.stringify(head)}\n`);

function withoutStack({ error, ...record }: DeadLetterRecord): DeadLetterRecord {
  if (!error) return record;
  const { stack: _, ...rest } = error;
  return { ...record, error: rest };
}

function withShortError({ error, ...record }: DeadLetterRecord): DeadLetterRecord {
  if (!error) return record;
  const { name, message } = error;
  return { ...record, error: { name: name.slice(0, SHORT), message: message.slice(0, SHORT) } };
}
