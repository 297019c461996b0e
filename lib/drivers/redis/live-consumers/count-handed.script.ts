import type { Redis } from 'ioredis';
import { HANDED } from '../scripting/handed.js';
import { Script } from '../scripting/script.js';

/**
 * Counts entries that were handed to a consumer and wait to be fetched, of many streams. KEYS
 * handed entries of each stream. ARGV group, consumer. Answers the count of each.
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
