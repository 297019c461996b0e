import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/**
 * Acknowledges entries by their ids, and drops the records of those that are on hold.
 *
 * - KEYS: the stream; the hash of entries on hold.
 * - ARGV: group; ids.
 * - Result: the number of entries that were pending.
 *
 * Why a script: otherwise a process that dies in between would leave records that no command
 * removes.
 */
const script = new Script(`
local acknowledged = redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
if redis.call('TYPE', KEYS[2]).ok ~= 'hash' then return acknowledged end
local places = {}
for i = 2, #ARGV do places[#places + 1] = 's:' .. ARGV[i] end
redis.call('HDEL', KEYS[2], unpack(places))
return acknowledged
`);

/** @returns how many of the ids were pending */
export async function acknowledge(
  client: Redis,
  keys: readonly [stream: string, held: string],
  { group, ids }: { readonly group: string; readonly ids: readonly string[] },
): Promise<number> {
  return (await script.run(client, keys, [group, ...ids])) as number;
}
