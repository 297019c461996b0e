/** Offset of a consumer that began with an empty stream. Not every source has this id. */
export const BEGINNING = '0';

/** How far a consumer has come in one stream, or in one partition of a stream. */
export interface ConsumerRecord {
  /** Id up to which everything is settled. */
  readonly offset: string;
  /** Id of the message that was settled last. Empty: none was. */
  readonly lastMessageId: string;
  /** When the record was written, in milliseconds since the epoch. */
  readonly lastUpdated: number;
  /** Runs of that message, less one. */
  readonly retryCount: number;
}

/** What a record is about. */
export interface RecordName {
  readonly group: string;
  readonly stream: string;
  /** Name of the consumer: the option `commits.name`. */
  readonly name: string;
  /** Only in sources that have partitions. */
  readonly partition?: string | undefined;
}

/** The key of a record in the state store. */
export const recordKey = ({ group, stream, name, partition }: RecordName): string =>
  `consumer:${group}:${stream}:${name}${partition === undefined ? '' : `:${partition}`}`;

/** The record as it is stored. */
export function textOfRecord(record: ConsumerRecord): string {
  return JSON.stringify({
    offset: asNumber(record.offset),
    last_message_id: record.lastMessageId,
    last_updated: new Date(record.lastUpdated).toISOString(),
    retry_count: record.retryCount,
  });
}

/** Undefined: the text is no record. */
export function recordOfText(text: string): ConsumerRecord | undefined {
  const { offset, last_message_id, last_updated, retry_count } = parsed(text);
  const isOffset = typeof offset === 'string' || Number.isSafeInteger(offset);
  const lastUpdated = Date.parse(String(last_updated));
  if (!isOffset || typeof last_message_id !== 'string' || Number.isNaN(lastUpdated))
    return undefined;
  return {
    offset: String(offset),
    lastMessageId: last_message_id,
    lastUpdated,
    retryCount: Number(retry_count ?? 0),
  };
}

/** A number where that says the same as the text, and other programs read it without loss. */
function asNumber(offset: string): number | string {
  const value = Number(offset);
  return Number.isSafeInteger(value) && String(value) === offset ? value : offset;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
