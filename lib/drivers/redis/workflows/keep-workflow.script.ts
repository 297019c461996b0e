import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { KEEP } from './keep-longer.js';

/** A field that holds a key in existence until its real content is written. */
const KEPT = 'kept';

/**
 * Puts off the expiry of all keys of a workflow. Creates missing keys, so that they get the
 * expiry, too.
 *
 * - KEYS: the steps; the joins; the state.
 * - ARGV: time to live in milliseconds.
 * - Result: `kept`.
 *
 * Why a script: otherwise a key that is written in between would be created with a shorter
 * expiry.
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

/** The keys of a workflow. */
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
