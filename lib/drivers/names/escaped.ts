import { createHash } from 'node:crypto';

/** How many characters of a name that is too long stay readable. */
const READABLE = 100;

/**
 * Writes each character that `isPlain` refuses as its bytes in UTF-8, each byte as `escape` and two
 * hexadecimal digits. Different texts give different results where `isPlain` refuses each `escape` that is
 * followed by two such digits.
 */
export function escaped(
  text: string,
  isPlain: (character: string, at: number) => boolean,
  escape = '=',
): string {
  let result = '';
  let at = 0;
  for (const character of text) {
    result += isPlain(character, at) ? character : hexOf(character, escape);
    at += character.length;
  }
  return result;
}

/**
 * Shortens an escaped name that is longer than `most` characters: its beginning, `mark`, and a digest of
 * `text`. No escaped name has `mark` in it.
 * @param text what was escaped
 */
export function shortened(name: string, text: string, most: number, mark = '=='): string {
  if (name.length <= most) return name;
  // Not of its UTF-8, in which all lone surrogates are the same.
  const digest = createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('base64url');
  return `${name.slice(0, Math.min(READABLE, most - digest.length - mark.length))}${mark}${digest}`;
}

function hexOf(character: string, escape: string): string {
  let result = '';
  for (const byte of bytesOf(character)) {
    result += escape + byte.toString(16).toUpperCase().padStart(2, '0');
  }
  return result;
}

/** UTF-8, in which a lone surrogate has three bytes of its own, too. */
function bytesOf(character: string): Iterable<number> {
  const code = character.codePointAt(0)!;
  if (code < 0xd800 || code > 0xdfff) return Buffer.from(character);
  return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
}
