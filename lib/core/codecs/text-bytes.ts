import { isUtf8 } from 'node:buffer';

/** A byte b that is no UTF-8 becomes the lone surrogate ESCAPE + b: U+DC80 to U+DCFF. */
const ESCAPE = 0xdc00;
const REPLACEMENT = '\uFFFD';
// With the flag u, the halves of a valid pair do not match.
const ESCAPED = /([\uDC80-\uDCFF]+)/u;

/**
 * Decodes UTF-8. Bytes that are no UTF-8 become lone surrogates, which no valid text contains:
 * {@link bytesOfText} returns the same bytes.
 */
export function textOfBytes(bytes: Buffer, start = 0, end = bytes.length): string {
  const text = bytes.toString('utf8', start, end);
  // The usual case: a decoded text without U+FFFD was valid. With U+FFFD, only the bytes can tell.
  if (!text.includes(REPLACEMENT)) return text;
  const own = bytes.subarray(start, end);
  return isUtf8(own) ? text : escape(own);
}

/** The bytes from which a text was decoded. */
export function bytesOfText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const parts = text.split(ESCAPED);
  return Buffer.concat(
    // Every second part is what the pattern has matched.
    parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : unescape(part))),
  );
}

/** Whether all of these texts were valid UTF-8. */
export function areTexts(fields: readonly string[]): boolean {
  for (let index = 0; index < fields.length; index++) {
    if (!fields[index]!.isWellFormed()) return false;
  }
  return true;
}

function escape(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = lengthOf(bytes[at]!);
    const one = bytes.subarray(at, at + length);
    if (isUtf8(one)) {
      text += one.toString('utf8');
      at += length;
    } else text += String.fromCharCode(ESCAPE + bytes[at++]!);
  }
  return text;
}

/** Number of bytes of the character that begins with this byte. */
function lengthOf(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

const unescape = (escaped: string): Buffer =>
  Buffer.from(Array.from(escaped, (character) => character.charCodeAt(0) - ESCAPE));
