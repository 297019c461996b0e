import type { Fields } from '../../../core/message.js';
import type { ReadKey } from '../leases/redis.lease.js';
import type { Reply } from '../resp/reply-parser.js';

type Entries = readonly (readonly [id: string, fields: Fields])[];

/** What one read brought of one key. */
export interface ReadBatch {
  readonly source: ReadKey;
  readonly entries: Entries;
}

/** Of what XREADGROUP answers. */
export function batchesOf(reply: Reply, byKey: ReadonlyMap<string, ReadKey>): ReadBatch[] {
  if (!Array.isArray(reply)) return [];
  // RESP 2 answers pairs, RESP 3 a map.
  const pairs = Array.isArray(reply[0]) ? (reply as Reply[][]).flat(1) : reply;
  const batches: ReadBatch[] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const source = byKey.get(pairs[at] as string);
    if (source) batches.push({ source, entries: pairs[at + 1] as unknown as Entries });
  }
  return batches;
}
