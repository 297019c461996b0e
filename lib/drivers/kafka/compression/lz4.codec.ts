import type { CodecPackage } from './codec.js';

/** LZ4 in its frame format. */
export const LZ4: CodecPackage = {
  name: 'lz4-napi',
  async load() {
    const { compressFrame, decompressFrame } = await import('lz4-napi');
    return {
      compress: (bytes) => compressFrame(bytes),
      decompress: (bytes) => decompressFrame(bytes),
    };
  },
};
