import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/**
 * Puts off the expiry of a reply box, or creates one, in one step: a key that never expires must
 * not be left behind. KEYS box. ARGV ttl in milliseconds. Answers false, or the id behind which a
 * new box is read.
 */
const script = new Script(`
if redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 1 then return false end
local id = redis.call('XADD', KEYS[1], '*', 'opened', '')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return id
`);

/** @returns the id behind which a new box is read; undefined where the box existed */
export async function keepBox(
  client: Redis,
  key: string,
  ttl: number,
): Promise<string | undefined> {
  return ((await script.run(client, [key], [ttl])) as string | null) ?? undefined;
}
