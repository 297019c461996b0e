import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { doneKeysOf } from './done-keys.js';
import type { ClaimingKeys } from './claim-keys.script.js';

/**
 * Extends the claims of one owner.
 *
 * - KEYS: the done keys.
 * - ARGV: lease in milliseconds; owner.
 * - Result: for each key `kept`, or `lost` where the owner has the key no more.
 *
 * Why a script: otherwise another owner could claim a key between the check and the extension.
 */
const script = new Script(`
local words = {}
for i = 1, #KEYS do
  words[i] = 'lost'
  if redis.call('GET', KEYS[i]) == ARGV[2] then
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
    words[i] = 'kept'
  end
end
return words
`);

export async function extendKeys(
  client: Redis,
  { done, owner, lease }: ClaimingKeys,
): Promise<('kept' | 'lost')[]> {
  return (await script.run(client, doneKeysOf(done), [lease, owner])) as ('kept' | 'lost')[];
}
