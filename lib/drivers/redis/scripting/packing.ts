/**
 * MessagePack: heads of texts shorter than 32 bytes, of longer texts, of a list, and of numbers.
 */
const SHORT_TEXT = 0xa0;
const TEXT = 0xdb;
const LIST = 0xdd;
const UNSIGNED = 0xce;
const DOUBLE = 0xcb;
const HEAD = 5;

/** Up to this number of characters, copying one by one is cheaper than a call that copies. */
const SHORT = 32;

const FIRST_ROOM = 1 << 16;
/** A larger buffer is not kept for the next time, in bytes. */
const KEPT = 1 << 20;

/** Builds one MessagePack list of texts and numbers. */
export class PackedList {
  private buffer = Buffer.allocUnsafe(FIRST_ROOM);
  private at = HEAD;
  private length = 0;

  text(value: string): void {
    this.length++;
    const { length } = value;
    this.ensureCapacity(HEAD + length * 3);
    if (length < SHORT && this.isCopied(value, length)) return;
    const size = this.buffer.write(value, this.at + HEAD);
    this.buffer[this.at] = TEXT;
    this.buffer.writeUInt32BE(size, this.at + 1);
    this.at += HEAD + size;
  }

  /** Adds a number that is a number in Lua too, not a text. */
  number(value: number): void {
    this.length++;
    this.ensureCapacity(9);
    if (value >= 0 && value < 128 && Number.isInteger(value)) {
      this.buffer[this.at++] = value;
    } else if (value >= 0 && value < 2 ** 32 && Number.isInteger(value)) {
      this.buffer[this.at] = UNSIGNED;
      this.at = this.buffer.writeUInt32BE(value, this.at + 1);
    } else {
      this.buffer[this.at] = DOUBLE;
      this.at = this.buffer.writeDoubleBE(value, this.at + 1);
    }
  }

  clear(): void {
    this.at = HEAD;
    this.length = 0;
  }

  toBuffer(): Buffer {
    this.buffer[0] = LIST;
    this.buffer.writeUInt32BE(this.length, 1);
    const packed = Buffer.from(this.buffer.subarray(0, this.at));
    if (this.buffer.length > KEPT) this.buffer = Buffer.allocUnsafe(FIRST_ROOM);
    return packed;
  }

  /** @returns false where the text has characters other than ASCII */
  private isCopied(text: string, length: number): boolean {
    const { buffer } = this;
    let at = this.at + 1;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      buffer[at++] = code;
    }
    buffer[this.at] = SHORT_TEXT | length;
    this.at = at;
    return true;
  }

  private ensureCapacity(size: number): void {
    if (this.at + size <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.at + size));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}

const list = new PackedList();

/**
 * Packs what `fill` adds, for scripts that begin with {@link UNPACK}. One argument with many values
 * costs a fraction of as many arguments, in this process and on the way.
 */
export function pack(fill: (list: PackedList) => void): Buffer {
  list.clear();
  fill(list);
  return list.toBuffer();
}

/** Lua: unpacks the only argument, and puts its values in place of the arguments. */
export const UNPACK = `
local ARGV = cmsgpack.unpack(ARGV[1])
`;
