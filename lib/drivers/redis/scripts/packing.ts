/** Of a MessagePack text with a length of 32 bits, and of a list with one. */
const TEXT = 0xdb;
const LIST = 0xdd;
const HEAD = 5;

/** Larger ones are not kept for the next time, bytes. */
const KEPT = 1 << 20;

let buffer = Buffer.allocUnsafe(1 << 16);

/**
 * Texts as one MessagePack list, for scripts that begin with {@link UNPACK}. One argument of many
 * texts costs a third of as many arguments, here and on the way.
 */
export function pack(values: readonly (string | number)[]): Buffer {
  let at = HEAD;
  for (const value of values) {
    const text = typeof value === 'string' ? value : String(value);
    const most = at + HEAD + text.length * 3;
    if (most > buffer.length) grow(most);
    const size = buffer.write(text, at + HEAD);
    buffer[at] = TEXT;
    buffer.writeUInt32BE(size, at + 1);
    at += HEAD + size;
  }
  buffer[0] = LIST;
  buffer.writeUInt32BE(values.length, 1);
  const packed = Buffer.from(buffer.subarray(0, at));
  if (buffer.length > KEPT) buffer = Buffer.allocUnsafe(1 << 16);
  return packed;
}

function grow(size: number): void {
  const larger = Buffer.allocUnsafe(2 * size);
  buffer.copy(larger);
  buffer = larger;
}

/** Lua: what was packed into the only argument stands for the arguments. */
export const UNPACK = `
local ARGV = cmsgpack.unpack(ARGV[1])
`;
