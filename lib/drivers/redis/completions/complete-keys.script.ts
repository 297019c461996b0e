import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { DONE } from './done-keys.js';

/**
 * Marks keys as completed, even where another owner has claimed them.
 *
 * - KEYS: the done keys.
 * - ARGV: for each key the time to remember it, in milliseconds.
 * - Result: `completed`.
 *
 * Why a script: one command serves all keys, and no process sees half of them completed.
 */
const script = new Script(`
for i = 1, #KEYS do
  redis.call('SET', KEYS[i], '${DONE}', 'PX', ARGV[i])
end
return 'completed'
`);

/** A done key, and for how long it is remembered, in milliseconds. */
export interface DoneKey {
  readonly key: string;
  readonly ttl: number;
}

export async function completeKeys(client: Redis, done: readonly DoneKey[]): Promise<void> {
  const keys = done.map(({ key }) => key);
  const times = done.map(({ ttl }) => ttl);
  await script.run(client, keys, times);
}
