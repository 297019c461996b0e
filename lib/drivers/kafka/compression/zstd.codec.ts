import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { CodecPackage } from './codec.js';

type Work = (bytes: Buffer, done: (error: Error | null, result: Buffer) => void) => void;

/** Node has them from 22.15 on. */
const { zstdCompress, zstdDecompress } = zlib as { zstdCompress?: Work; zstdDecompress?: Work };

/** Zstandard of Node itself. Undefined: this Node has none. */
const ofNode: CodecPackage | undefined = zstdCompress &&
  zstdDecompress && {
    load: () =>
      Promise.resolve({
        compress: promisify(zstdCompress),
        decompress: promisify(zstdDecompress),
      }),
  };

const LEVEL = 3;
/** Least and most bytes that a batch may have, where it does not say how many. */
const FIRST_SIZE = 1024 * 1024;
const MOST_SIZE = 256 * 1024 * 1024;

/** Zstandard. Java does not write how long a batch is: the size is found by trying. */
const ofPackage: CodecPackage = {
  name: '@bokuweb/zstd-wasm',
  async load() {
    const { init, compress, decompress } = await import('@bokuweb/zstd-wasm');
    await init();
    return {
      compress: (bytes) => Promise.resolve(Buffer.from(compress(bytes, LEVEL))),
      async decompress(bytes) {
        for (let defaultHeapSize = Math.max(FIRST_SIZE, bytes.length * 4); ; defaultHeapSize *= 4) {
          try {
            return Buffer.from(decompress(bytes, { defaultHeapSize }));
          } catch (error) {
            if (defaultHeapSize > MOST_SIZE) throw error;
          }
        }
      },
    };
  },
};

export const ZSTD: CodecPackage = ofNode ?? ofPackage;
