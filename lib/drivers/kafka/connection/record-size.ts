import type { KafkaRecord } from './kafka-client.js';

/** Bytes of a batch beside its records. */
export const BATCH_OVERHEAD = 61;
/** Attributes and timestamp of a record, one byte each. */
const FIXED = 2;
/** Bytes of the position within the batch, at most. */
const POSITION = 3;

/**
 * Bytes of a record in a batch, as the broker counts them for `max.message.bytes`; at most three more. Without
 * compression, which makes batches smaller.
 */
export function sizeOfRecord({ key, value, headers = {} }: KafkaRecord): number {
  let size = FIXED + POSITION + sizeOfBytes(key) + sizeOfBytes(value);
  let count = 0;
  for (const name in headers) {
    const values = headers[name]!;
    const bytesOfName = sizeOfBytes(name);
    for (const one of Array.isArray(values) ? (values as readonly Bytes[]) : [values as Bytes]) {
      size += bytesOfName + sizeOfBytes(one);
      count++;
    }
  }
  size += sizeOfNumber(count);
  return size + sizeOfNumber(size);
}

type Bytes = Buffer | string;

function sizeOfBytes(bytes: Bytes | null): number {
  if (bytes === null) return 1;
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
  return sizeOfNumber(size) + size;
}

/** Bytes of a length: seven bits in each, and one bit for the sign. */
function sizeOfNumber(number: number): number {
  let bytes = 1;
  for (let rest = number * 2; rest >= 128; rest /= 128) bytes++;
  return bytes;
}

/** Bytes of a batch with this record alone. */
export const sizeOfBatch = (record: KafkaRecord): number => BATCH_OVERHEAD + sizeOfRecord(record);
