import type { Fields, OutgoingEntry } from './message.js';

/** The field that makes an entry a request. It is the last one, behind the codec's own fields. */
export const REQUEST_FIELD = 'reply_to';
const HEADER = /^([\w-]{1,64}) (\d{1,15}) (\d{1,15})$/;

/** What a request carries beside its message. */
export interface RequestHeader {
  /** Address of the reply box. */
  readonly box: string;
  /** Number of the request, unique in its box. */
  readonly id: number;
  /** How long after its publication the caller waits for the first answer, in milliseconds. */
  readonly timeout: number;
}

/** Makes a request of an entry. */
export function asRequest(entry: OutgoingEntry, { box, id, timeout }: RequestHeader) {
  return { ...entry, fields: [...entry.fields, REQUEST_FIELD, `${box} ${id} ${timeout}`] };
}

/** Undefined where the entry is no request. */
export function requestOf(fields: Fields): RequestHeader | undefined {
  if (fields[fields.length - 2] !== REQUEST_FIELD) return undefined;
  const parts = HEADER.exec(fields[fields.length - 1]!);
  return parts ? { box: parts[1]!, id: Number(parts[2]), timeout: Number(parts[3]) } : undefined;
}

/** The codec's own fields of a request. */
export const withoutHeader = (fields: Fields): Fields => fields.slice(0, -2);
