import type { Redis } from 'ioredis';
import { HANDED } from '../scripting/handed.js';
import { Script } from '../scripting/script.js';

/**
 * Counts the entries that were handed to a consumer and wait to be fetched, on many streams.
 *
 * - KEYS: the handed entries of each stream.
 * - ARGV: group; consumer.
 * - Result: the count for each stream.
 *
 * Why a script: one command serves many streams.
 */
const script = new Script(`${HANDED}
local counts = {}
for i, set in ipairs(KEYS) do counts[i] = redis.call('ZLEXCOUNT', set, waiting_of(ARGV[2])) end
return counts
`);

export interface CountingHanded {
  /** Keys of handed entries, one for each stream. */
  readonly sets: readonly string[];
  readonly group: string;
  readonly consumer: string;
}

export async function countHanded(
  client: Redis,
  { sets, group, consumer }: CountingHanded,
): Promise<number[]> {
  return (await script.run(client, sets, [group, consumer])) as number[];
}
