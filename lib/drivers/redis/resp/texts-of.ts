import { textOfBytes } from '../../../core/codecs/text-bytes.js';

/** Converts the bytes of a reply of ioredis to texts. Bytes that are no UTF-8 are kept. */
export function textsOf(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return textOfBytes(reply);
  return Array.isArray(reply) ? reply.map(textsOf) : reply;
}
