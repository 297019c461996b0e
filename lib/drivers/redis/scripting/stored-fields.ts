import type { Fields } from '../../../core/message.js';
import { bytesOfText } from '../../../core/codecs/text-bytes.js';

/** One field that has all fields as a JSON array, where they are too many for one call in Lua. */
export const PACKED_FIELDS = 'packed_fields';

/**
 * Returns the fields as they were before packing. A message may have a field of that name itself.
 */
export function unpackFields(fields: Fields): Fields {
  if (fields.length !== 2 || fields[0] !== PACKED_FIELDS) return fields;
  try {
    const packed: unknown = JSON.parse(fields[1]!);
    return Array.isArray(packed) ? (packed as Fields) : fields;
  } catch {
    return fields;
  }
}

/** Returns a field as it is written back to the server: its bytes, where it is no UTF-8. */
export const asWritten = (text: string): string | Buffer =>
  text.isWellFormed() ? text : bytesOfText(text);
