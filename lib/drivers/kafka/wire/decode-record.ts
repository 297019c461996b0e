import { fieldsOfJson, jsonOfFields } from '../../../core/codecs/fields-json.js';
import { textOfBytes } from '../../../core/codecs/text-bytes.js';
import type { Fields } from '../../../core/message.js';
import type { ReadHeaders } from '../connection/kafka-client.js';
import { isKnown } from './known-fields.js';
import { withHeaders } from './metadata-of-headers.js';
import { FIELDS_AS_JSON, FIELDS_HEADER, FIELDS_PLAIN, isOwn } from './own-headers.js';
import { lastValue } from './header-value.js';

const NO_FIELDS = jsonOfFields([]);

/** A record, as far as its fields are concerned. */
export interface EncodedRecord {
  readonly value: Buffer | null;
  readonly headers?: ReadHeaders | undefined;
}

/**
 * Returns the fields of a record. Those of `encodeRecord` come back as they were. Of a record of another
 * program:
 * - `event_type` is the header of this name. Where there is none, it is the name of the stream.
 * - `payload` is the value, or `null` where the record has none (a tombstone).
 * - Headers that the codecs do not know are entries of `metadata`, where they are text.
 *
 * Never throws.
 */
export function decodeRecord(stream: string, { value, headers = {} }: EncodedRecord): Fields {
  const payload = value === null ? 'null' : textOfBytes(value);
  const shape = headers[FIELDS_HEADER];
  if (shape !== undefined) {
    const shapeText = textOf(shape);
    const all = shapeText === FIELDS_AS_JSON ? allFieldsOf(payload) : undefined;
    if (all) return all;
    if (shapeText === FIELDS_PLAIN) return plainFields(headers, payload);
  }
  return fieldsOfOthers(stream, headers, payload);
}

/** A dead letter of another source may have no fields. */
const allFieldsOf = (text: string): Fields | undefined =>
  text === NO_FIELDS ? [] : fieldsOfJson(text);

/** The payload stands behind the first field. */
function plainFields(headers: ReadHeaders, payload: string): Fields {
  const fields: string[] = [];
  for (const name in headers) {
    if (isOwn(name)) continue;
    fields.push(name, textOf(headers[name]));
    if (fields.length === 2) fields.push('payload', payload);
  }
  if (fields.length === 0) fields.push('payload', payload);
  return fields;
}

/** Our own entries of the usual shape, and records of other programs. */
function fieldsOfOthers(stream: string, headers: ReadHeaders, payload: string): Fields {
  const type = headers['event_type'];
  const fields = ['event_type', type === undefined ? stream : textOf(type), 'payload', payload];
  let others: string[] | undefined;
  for (const name in headers) {
    if (name === 'event_type') continue;
    if (isKnown(name)) fields.push(name, textOf(headers[name]));
    else if (!isOwn(name)) (others ??= []).push(name);
  }
  return others ? withHeaders(fields, headers, others) : fields;
}

const textOf = (value: ReadHeaders[string] | undefined): string => {
  const bytes = lastValue(value);
  return bytes ? textOfBytes(bytes) : '';
};
