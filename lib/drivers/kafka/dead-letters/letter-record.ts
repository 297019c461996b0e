import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import { DeadLetterTooLargeError } from '../../../core/errors/dead-letter.errors.js';
import type { ErrorRecord } from '../../../core/errors/error-record.js';
import type { KafkaRecord, ReadRecord } from '../connection/kafka-client.js';
import { BATCH_OVERHEAD, sizeOfRecord } from '../connection/record-size.js';
import { placeOf } from '../ids/message-ids.js';
import {
  splitHeaders,
  withOwnHeaders,
  type Copied,
  type RawRecord,
} from '../retries/own-headers.js';

/** A dead letter as it is stored. */
export interface Letter {
  readonly record: DeadLetterRecord;
  /** The number of its last redrive, where it was redriven before. */
  readonly redrive?: number | undefined;
}

/** A dead letter that was read. */
export interface StoredLetter extends Letter {
  readonly offset: number;
  /** The record as it was in its stream. */
  readonly original: RawRecord;
}

const NAMES = {
  stream: 'streams-dead-stream',
  id: 'streams-dead-id',
  group: 'streams-dead-group',
  consumer: 'streams-dead-consumer',
  attempts: 'streams-dead-attempts',
  reason: 'streams-dead-reason',
  error: 'streams-dead-error',
  publishedAt: 'streams-dead-published-at',
  deadLetteredAt: 'streams-dead-at',
  redrive: 'streams-dead-redrive',
  topic: 'streams-dead-topic',
  partition: 'streams-dead-partition',
  offset: 'streams-dead-offset',
};
const OWN = Object.values(NAMES);

/** Characters of an error's message that are kept where the dead letter is too large otherwise. */
const SHORT = 500;

/** The partition of a dead letter topic that has the dead letters. */
export const LETTERS = 0;

/** Where a dead letter is to be stored, and where its message was. */
export interface LetterPlace {
  readonly topic: string;
  /** Most bytes of a record there. */
  readonly maxBytes: number;
  /** The topic of the message. Undefined: it is of another source than Kafka. */
  readonly from?: string;
}

/**
 * Makes the record of a dead letter: the original with headers of ours. The first of these that is not
 * too large: with all of the error; without its stack; with a short message.
 * @throws DeadLetterTooLargeError
 */
export function letterRecord(original: Copied, letter: Letter, place: LetterPlace): KafkaRecord {
  let size = 0;
  for (const error of shorter(letter.record.error)) {
    const { key, value } = original;
    const headers = letterHeaders(original, { ...letter, error }, place.from);
    const record = { topic: place.topic, partition: LETTERS, key, value, headers };
    size = BATCH_OVERHEAD + sizeOfRecord(record);
    if (size <= place.maxBytes) return record;
  }
  const { stream, id } = letter.record;
  throw new DeadLetterTooLargeError(stream, id, size, place.maxBytes);
}

function letterHeaders(
  { headers }: Copied,
  { record, redrive, error }: Letter & { error: ErrorRecord | undefined },
  from: string | undefined,
) {
  const place = from === undefined ? undefined : placeOf(record.id);
  return withOwnHeaders(headers, {
    [NAMES.stream]: record.stream,
    [NAMES.id]: record.id,
    [NAMES.group]: record.group,
    [NAMES.consumer]: record.consumer,
    [NAMES.attempts]: String(record.attempts),
    [NAMES.reason]: record.reason,
    [NAMES.error]: error && JSON.stringify(error),
    [NAMES.publishedAt]: record.publishedAt,
    [NAMES.deadLetteredAt]: record.deadLetteredAt,
    [NAMES.redrive]: redrive === undefined ? undefined : String(redrive),
    [NAMES.topic]: from,
    [NAMES.partition]: place && String(place.partition),
    [NAMES.offset]: place && String(place.offset),
  });
}

/** Reads a record of a dead letter topic. Undefined: another program has written it. */
export function readLetter({ offset, key, value, headers }: ReadRecord): StoredLetter | undefined {
  const { own, original } = splitHeaders(headers, OWN);
  const text = (name: keyof typeof NAMES): string => own.get(NAMES[name]) ?? '';
  const redrive = own.get(NAMES.redrive);
  const error = errorOf(text('error'));
  const record: DeadLetterRecord = {
    stream: text('stream'),
    id: text('id'),
    group: text('group'),
    consumer: text('consumer'),
    attempts: Number(text('attempts')),
    reason: text('reason'),
    ...(error && { error }),
    publishedAt: text('publishedAt'),
    deadLetteredAt: text('deadLetteredAt'),
  };
  if ([record.stream, record.id, record.group, record.publishedAt].includes('')) return undefined;
  return {
    ...{ offset, record, original: { key, value, headers: original } },
    ...(redrive !== undefined && { redrive: Number(redrive) }),
  };
}

function* shorter(error: ErrorRecord | undefined): Generator<ErrorRecord | undefined> {
  yield error;
  if (!error) return;
  const { name, message } = error;
  yield { name, message };
  yield { name: name.slice(0, SHORT), message: message.slice(0, SHORT) };
}

/** Undefined: there was none, or another program has changed it. */
function errorOf(text: string): ErrorRecord | undefined {
  try {
    return text === '' ? undefined : (JSON.parse(text) as ErrorRecord);
  } catch {
    return undefined;
  }
}
