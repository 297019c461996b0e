import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import type { LeaseKeys } from './lease-keys.js';

/**
 * Releases a lease. Raises the fence, so that the old token settles nothing any more.
 *
 * - KEYS: the owner; the fence.
 * - ARGV: token.
 * - Result: `released`, or `lost` where another owner has acquired the lease since.
 *
 * Why a script: otherwise a lease that another owner acquires after the check would be deleted.
 */
const script = new Script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'lost' end
redis.call('SET', KEYS[2], string.format('%.0f', ARGV[1] + 1), 'KEEPTTL')
redis.call('DEL', KEYS[1])
return 'released'
`);

export async function releaseLease(
  client: Redis,
  { keys, token }: { readonly keys: LeaseKeys; readonly token: number },
): Promise<'released' | 'lost'> {
  return (await script.run(client, [keys.owner, keys.fence], [token])) as 'released' | 'lost';
}
