const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** The hash of keys in Kafka's Java client: 32 bits, with a sign. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const rest = length & 3;
  let hash = SEED ^ length;
  for (let at = 0; at < length - rest; at += 4) {
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    const mixed = Math.imul(word, M);
    hash = Math.imul(hash, M) ^ Math.imul(mixed ^ (mixed >>> R), M);
  }
  const end = length - rest;
  if (rest === 3) hash ^= bytes[end + 2]! << 16;
  if (rest >= 2) hash ^= bytes[end + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes[end]!, M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return (hash ^ (hash >>> 15)) | 0;
}
