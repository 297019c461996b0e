import { jsonOfFields } from '../../../core/codecs/fields-json.js';
import { bytesOfText } from '../../../core/codecs/text-bytes.js';
import type { Fields } from '../../../core/message.js';
import { isKnown } from './known-fields.js';
import { FIELDS_AS_JSON, FIELDS_HEADER, FIELDS_PLAIN, isOwn } from './own-headers.js';

/** The fields of an entry as a record has them. Texts are written as UTF-8. */
export interface WireRecord {
  readonly value: Buffer | string;
  readonly headers: Readonly<Record<string, Buffer | string>>;
}

/** More headers than this are written to the value: the client reads many headers slowly. */
const MOST_HEADERS = 32;

/**
 * Turns fields into a record. `payload` is the value, and each other field is a header of its own name, so
 * that other programs can read it. That is for fields of the usual shape: one field, then `payload`, then
 * the others, or `payload` alone. An entry of any other shape, or with a name that no header can have, is
 * a value that has all fields as JSON, and a header that says so.
 *
 * @param hasBytes see `OutgoingEntry.hasBytes`
 */
export function encodeRecord(fields: Fields, hasBytes = false): WireRecord {
  const at = fields.length === 2 ? 0 : 2;
  if (fields[at] !== 'payload') return asJson(fields);
  const headers = headersOf(fields, at, hasBytes);
  const value = written(fields[at + 1]!, hasBytes);
  return headers && value !== undefined ? { value, headers } : asJson(fields);
}

/** All fields but the payload. Undefined: they cannot all be headers. */
function headersOf(
  fields: Fields,
  payloadAt: number,
  hasBytes: boolean,
): Record<string, Buffer | string> | undefined {
  if (fields.length > 2 * MOST_HEADERS) return undefined;
  const headers: Record<string, Buffer | string> = {};
  let isUsual = fields[0] === 'event_type';
  for (let at = 0; at < fields.length; at += 2) {
    if (at === payloadAt) continue;
    const name = fields[at]!;
    const value = written(fields[at + 1]!, hasBytes);
    const isThere = name in headers;
    if (value === undefined || isThere || !(isKnown(name) || isPlain(name))) return undefined;
    isUsual &&= isKnown(name);
    headers[name] = value;
  }
  if (!isUsual) headers[FIELDS_HEADER] = FIELDS_PLAIN;
  return headers;
}

/**
 * Whether a header can have this name. The client keeps headers in an object: names that look like
 * numbers would change their order, and no name may be that of a property that all objects have.
 */
const isPlain = (name: string): boolean =>
  name !== 'payload' && !isOwn(name) && !/^\d+$/.test(name) && name.isWellFormed();

/** Undefined: a lone surrogate that stands for no byte can only be written as JSON. */
function written(text: string, hasBytes: boolean): Buffer | string | undefined {
  if (text.isWellFormed()) return text;
  return hasBytes ? bytesOfText(text) : undefined;
}

const asJson = (fields: Fields): WireRecord => ({
  value: jsonOfFields(fields),
  headers: { [FIELDS_HEADER]: FIELDS_AS_JSON },
});
