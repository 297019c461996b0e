import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/**
 * On a cluster: sets when a lock of ours expires, and takes it anew where it has.
 * KEYS lock. ARGV consumer, ms, whether anew. Answers 1 where it is ours.
 */
const script = new Script(`
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if holder or ARGV[3] ~= '1' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** @param anew also where it has expired */
export async function keepLock(
  client: Redis,
  lock: string,
  consumer: string,
  ms: number,
  anew: boolean,
): Promise<boolean> {
  return (await script.run(client, [lock], [consumer, ms, anew ? 1 : 0])) === 1;
}
