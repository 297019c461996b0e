import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/**
 * Finds the newest dead letter.
 *
 * - KEYS: the dead letters.
 * - ARGV: none.
 * - Result: its id.
 *
 * Why a script: a script sends the id without the fields of the letter, which may be large.
 */
const script = new Script(`
local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
return entry and entry[1]
`);

/** @returns the id of the newest dead letter */
export async function newestLetter(client: Redis, key: string): Promise<string | undefined> {
  return ((await script.run(client, [key], [])) as string | null) ?? undefined;
}
