import { textOfBytes } from '../../../core/codecs/text-bytes.js';

/** The key of a record as a text, from which the same bytes can be made. Undefined: the record has none. */
export const keyText = (key: Buffer | null): string | undefined =>
  key === null ? undefined : textOfBytes(key);
