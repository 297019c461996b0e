import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { CANCELLED } from './workflow-state.js';

/**
 * Looks which workflows were cancelled.
 *
 * - KEYS: the states of the workflows.
 * - ARGV: none.
 * - Result: for each workflow `cancelled` or `running`.
 *
 * Why a script: one command serves many workflows.
 */
const script = new Script(`
local words = {}
for at, key in ipairs(KEYS) do
  words[at] = redis.call('HGET', key, '${CANCELLED}') and 'cancelled' or 'running'
end
return words
`);

/** @param states keys of the states of workflows */
export async function findCancelled(
  client: Redis,
  states: readonly string[],
): Promise<('cancelled' | 'running')[]> {
  return (await script.run(client, states, [])) as ('cancelled' | 'running')[];
}
