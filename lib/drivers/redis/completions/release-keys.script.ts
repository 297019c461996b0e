import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { doneKeysOf, type DoneKeys } from './done-keys.js';

/**
 * Deletes the claims of one owner. Claims of other owners and completed keys stay.
 *
 * - KEYS: the done keys.
 * - ARGV: owner.
 * - Result: `released`.
 *
 * Why a script: otherwise a claim that another owner has taken after the check would be deleted.
 */
const script = new Script(`
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then
    redis.call('DEL', KEYS[i])
  end
end
return 'released'
`);

export async function releaseKeys(
  client: Redis,
  { done, owner }: { readonly done: DoneKeys; readonly owner: string },
): Promise<void> {
  await script.run(client, doneKeysOf(done), [owner]);
}
