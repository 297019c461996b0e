import { createHash } from 'node:crypto';
import { toStored } from './exact-text.js';

/** An index of PostgreSQL takes about 2,700 bytes. */
const LONGEST = 1000;
/** How much of a longer text stays readable. */
const SHOWN = 200;

/**
 * Makes the text that stands for a key of any length in an index: the key as it is stored, or the
 * beginning of a long one and its hash.
 */
export function keyText(key: string): string {
  const stored = toStored(key);
  if (stored.length * 3 <= LONGEST || Buffer.byteLength(stored) <= LONGEST) return stored;
  // No half of a character, which PostgreSQL would not store.
  const begin = stored.slice(0, SHOWN).replace(/[\uD800-\uDBFF]$/, '');
  // No stored text has this character before a number sign.
  return `${begin}\u001A#${createHash('sha256').update(stored).digest('hex')}`;
}
