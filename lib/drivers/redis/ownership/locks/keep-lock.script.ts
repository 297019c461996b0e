import type { Redis } from 'ioredis';
import { Script } from '../../scripting/script.js';

/**
 * On a cluster: sets the expiry of this consumer's lock, and takes the lock again where it has
 * expired.
 *
 * - KEYS: the lock.
 * - ARGV: consumer; time to live in milliseconds; 1 to take an expired lock again.
 * - Result: `kept`, or `lost`.
 *
 * Why a script: otherwise a lock that another consumer takes after the check would be
 * overwritten.
 */
const script = new Script(`
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 'kept'
end
if holder or ARGV[3] ~= '1' then return 'lost' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'kept'
`);

export interface KeepingLock {
  readonly lock: string;
  readonly consumer: string;
  /** Time until the lock expires, in milliseconds. */
  readonly ms: number;
  /** Take the lock again where it has expired. */
  readonly anew?: boolean;
}

export async function keepLock(
  client: Redis,
  { lock, consumer, ms, anew = false }: KeepingLock,
): Promise<'kept' | 'lost'> {
  return (await script.run(client, [lock], [consumer, ms, anew ? 1 : 0])) as 'kept' | 'lost';
}
