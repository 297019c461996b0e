import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import type { AcquiringLease } from './acquire-lease.script.js';
import { REMEMBERED } from './lease-keys.js';

/**
 * Extends a lease.
 *
 * - KEYS: the owner; the fence.
 * - ARGV: owner; time to live in milliseconds; the time to keep the fence, in milliseconds;
 *   token.
 * - Result: `kept`, or `lost` where another owner has acquired the lease since.
 *
 * Why a script: otherwise another owner could acquire the lease between the check and the
 * extension.
 */
const script = new Script(`
if redis.call('GET', KEYS[2]) ~= ARGV[4] then return 'lost' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 'kept'
`);

export interface ExtendingLease extends AcquiringLease {
  readonly token: number;
}

export async function extendLease(
  client: Redis,
  { keys, owner, token, ttl }: ExtendingLease,
): Promise<'kept' | 'lost'> {
  const args = [owner, ttl, ttl + REMEMBERED, token];
  return (await script.run(client, [keys.owner, keys.fence], args)) as 'kept' | 'lost';
}
