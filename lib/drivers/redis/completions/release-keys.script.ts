import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { doneKeysOf, type DoneKeys } from './done-keys.js';

/** Releases claims. KEYS done keys. ARGV owner. */
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
