import type { Redis } from 'ioredis';
import { Script } from '../../scripting/script.js';

/**
 * On a cluster: gives a lock of this consumer to another one.
 *
 * - KEYS: the lock.
 * - ARGV: consumer; the other consumer; lease in milliseconds.
 * - Result: `handed`, or `lost` where another consumer has the lock.
 *
 * Why a script: otherwise a lock that expired and was taken after the check would be
 * overwritten.
 */
const script = new Script(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 'lost' end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 'handed'
`);

export interface HandingLock {
  readonly lock: string;
  readonly consumer: string;
  readonly to: string;
  /** In milliseconds. */
  readonly lease: number;
}

export async function handLock(
  client: Redis,
  { lock, consumer, to, lease }: HandingLock,
): Promise<'handed' | 'lost'> {
  return (await script.run(client, [lock], [consumer, to, lease])) as 'handed' | 'lost';
}
