import type { Redis } from 'ioredis';
import { Script } from './scripting/script.js';

/**
 * Replaces a value of the state store that the caller knows.
 *
 * - KEYS: the key.
 * - ARGV: the expected value; the new value; time to live in milliseconds, where the key has one.
 * - Result: 1, or 0 where the key is absent or has another value.
 *
 * Why a script: otherwise another caller could write between the comparison and the replacement.
 */
const script = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[2])
end
return 1
`);

interface Replacement {
  readonly expected: string;
  readonly value: string;
  /** In milliseconds. Undefined: the key stays. */
  readonly ttl: number | undefined;
}

/** Returns true where the value was replaced. */
export async function replaceValue(
  client: Redis,
  key: string,
  { expected, value, ttl }: Replacement,
): Promise<boolean> {
  const args = ttl === undefined ? [expected, value] : [expected, value, ttl];
  return (await script.run(client, [key], args)) === 1;
}
