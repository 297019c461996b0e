import type { WaitingRecord } from './leased-partition.js';

type RawRecord = WaitingRecord['record'];

/** An answer that is not larger than the record by more than this share, and these bytes, is no waste. */
const SHARE = 2;
const FEW = 1024;

/**
 * Returns the record with memory of its own: the one that a fetch brings keeps the whole answer, which may
 * have megabytes. Returns the record itself where that would gain little.
 */
export function withOwnMemory(record: RawRecord): RawRecord {
  let [bytes, shared] = [0, 0];
  eachPart(record, (part) => {
    bytes += part.length;
    shared = Math.max(shared, part.buffer.byteLength);
    return part;
  });
  if (shared <= SHARE * bytes + FEW) return record;
  const own = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  return eachPart(record, (part) => {
    part.copy(own, at);
    return own.subarray(at, (at += part.length));
  });
}

/** Returns the record with each part of it as `change` returns it. */
function eachPart({ key, value, headers }: RawRecord, change: (part: Buffer) => Buffer): RawRecord {
  const changed = (part: Buffer | null): Buffer | null => part && change(part);
  const all: Record<string, RawRecord['headers'][string]> = {};
  for (const [name, header] of Object.entries(headers)) {
    all[name] = Array.isArray(header)
      ? (header as readonly (Buffer | null)[]).map(changed)
      : changed(header as Buffer | null);
  }
  return { key: changed(key), value: changed(value), headers: all };
}
