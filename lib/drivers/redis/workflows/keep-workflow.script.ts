import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { KEEP } from './keep-longer.js';

/** Holds the place of what is to come. */
const KEPT = 'kept';

/**
 * Has everything last. What is not there yet is made, so that it does, too. KEYS steps, joins, state.
 * ARGV ms.
 */
const script = new Script(`${KEEP}
for at, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    keep(key, ARGV[1])
  else
    if at == 1 then
      redis.call('APPEND', key, '\\n')
    else
      redis.call('HSET', key, '${KEPT}', 1)
    end
    redis.call('PEXPIRE', key, ARGV[1])
  end
end
return 'kept'
`);

/** A workflow's keys. */
export interface WorkflowKeys {
  readonly steps: string;
  readonly joins: string;
  readonly state: string;
}

export async function keepWorkflow(
  client: Redis,
  { keys: { steps, joins, state }, ms }: { readonly keys: WorkflowKeys; readonly ms: number },
): Promise<void> {
  await script.run(client, [steps, joins, state], [Math.ceil(ms)]);
}
