import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/**
 * Puts off the expiry of a reply box, or creates a box.
 *
 * - KEYS: the box.
 * - ARGV: time to live in milliseconds.
 * - Result: false, or the id behind which a new box is read.
 *
 * Why a script: otherwise a process that dies in between would leave a key that never expires.
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
