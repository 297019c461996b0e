import type { CodecPackage } from './codec.js';

/** What Java's producers begin with: a magic number, and two versions of four bytes. */
const JAVA_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const JAVA_HEADER = JAVA_MAGIC.length + 8;

/** Snappy. Java writes several blocks, each behind its length; other programs write one block. */
export const SNAPPY: CodecPackage = {
  name: 'snappy',
  async load() {
    const { compress, uncompress } = await import('snappy');
    const decompress = async (bytes: Buffer): Promise<Buffer> =>
      (await uncompress(bytes, { asBuffer: true })) as Buffer;
    return {
      compress,
      async decompress(bytes) {
        const blocks = blocksOf(bytes);
        return Buffer.concat(await Promise.all(blocks.map(decompress)));
      },
    };
  },
};

function blocksOf(bytes: Buffer): Buffer[] {
  if (!bytes.subarray(0, JAVA_MAGIC.length).equals(JAVA_MAGIC)) return [bytes];
  const blocks: Buffer[] = [];
  for (let at = JAVA_HEADER; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    blocks.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return blocks;
}
