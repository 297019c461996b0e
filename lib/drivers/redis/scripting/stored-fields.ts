import type { Fields } from '../../../core/message.js';
import { bytesOfText } from '../../../core/codecs/text-bytes.js';

/** A field that holds all fields as a JSON array, where they are too many for one call in Lua. */
export const PACKED_FIELDS = 'packed_fields';

/** The fields before they were packed. A message may have a field of that name itself. */
export function unpackFields(fields: Fields): Fields {
  if (fields.length !== 2 || fields[0] !== PACKED_FIELDS) return fields;
  try {
    const packed: unknown = JSON.parse(fields[1]!);
    return Array.isArray(packed) ? (packed as Fields) : fields;
  } catch {
    return fields;
  }
}

/**
 * A field as it is written back to the server. Bytes that are no UTF-8 are written as they were.
 */
export const asWritten = (text: string): string | Buffer =>
  text.isWellFormed() ? text : bytesOfText(text);
