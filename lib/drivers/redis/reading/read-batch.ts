import type { ReadKey } from '../leases/redis.lease.js';
import type { Reply } from '../resp/reply-parser.js';
import { streamsIn, type StreamEntries } from '../resp/stream-reply.js';

/** What one read brought of one key. */
export interface ReadBatch {
  readonly source: ReadKey;
  readonly entries: StreamEntries;
}

/** What XREADGROUP answers, by the keys that were read. */
export function batchesOf(reply: Reply, byKey: ReadonlyMap<string, ReadKey>): ReadBatch[] {
  const batches: ReadBatch[] = [];
  for (const [key, entries] of streamsIn(reply)) {
    const source = byKey.get(key);
    if (source) batches.push({ source, entries });
  }
  return batches;
}
