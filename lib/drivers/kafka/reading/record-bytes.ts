import type { ReadRecord } from '../connection/kafka-client.js';

/** What a record takes in memory beside its bytes, about. */
const OVERHEAD = 200;
/** The same for a header. */
const HEADER = 64;

/** How many bytes a record takes in memory, about. */
export function bytesOf({
  key,
  value,
  headers,
}: Pick<ReadRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) {
    const header = headers[name];
    bytes += HEADER + name.length;
    if (Array.isArray(header)) for (const one of header) bytes += lengthOf(one);
    else bytes += lengthOf(header as Buffer | null);
  }
  return bytes;
}

const lengthOf = (value: Buffer | null | undefined): number => value?.length ?? 0;
