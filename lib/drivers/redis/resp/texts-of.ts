import { textOfBytes } from '../../../core/codecs/text-bytes.js';

/** A reply that ioredis gave as bytes, with the texts that its bytes are; what is no UTF-8 is kept. */
export function textsOf(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return textOfBytes(reply);
  return Array.isArray(reply) ? reply.map(textsOf) : reply;
}
