import { fieldsOfJson } from '../../../core/codecs/fields-json.js';
import { textOfBytes } from '../../../core/codecs/text-bytes.js';
import type { Fields } from '../../../core/message.js';
import { FIELDS_AS_JSON, FIELDS_HEADER, isReserved } from './own-headers.js';
import { readHeaders } from './read-headers.js';

/** Names with their values, as the client has them. */
export type ReadHeaders = Iterable<[string, string[]]>;

/** A message as the client hands it over. */
export interface ReadMessage {
  readonly data: Uint8Array;
  readonly headers?: ReadHeaders | undefined;
}

/**
 * Returns the fields of a message. Those of `encodeEntry` come back as they were. Of a message of
 * another program: its first header, `payload` with the body, its other headers; those of the server
 * are left out. Never throws.
 */
export function decodeMessage(message: ReadMessage): Fields {
  const { data } = message;
  const headers = readHeaders(message);
  const body = textOfBytes(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  if (!headers) return ['payload', body];
  const fields: string[] = [];
  for (const [name, values] of headers) {
    if (!isReserved(name)) addField(fields, name, values, body);
    else if (name === FIELDS_HEADER && values[0] === FIELDS_AS_JSON) {
      const all = fieldsOfJson(body);
      if (all) return all;
    }
  }
  if (fields.length === 0) fields.push('payload', body);
  return fields;
}

/** The payload stands behind the first field. */
function addField(fields: string[], name: string, values: readonly string[], body: string): void {
  for (const value of values) {
    if (fields.length > 0) fields.push(name, value);
    // Another program may have a header of this name: the body is what counts.
    else if (name === 'payload') fields.push('payload', body, name, value);
    else fields.push(name, value, 'payload', body);
  }
}
