import type { Redis } from 'ioredis';
import type { FinishedStep } from '../../../ports/workflow-store.js';
import { pack, UNPACK } from '../scripting/packing.js';
import { Script } from '../scripting/script.js';
import { KEEP } from './keep-longer.js';

/**
 * Records steps that have ended.
 *
 * - KEYS: the key of one step. It only says to which slot the others belong.
 * - ARGV: packed: time to live in milliseconds; then for each step its key and text, and 1 where
 *   no record should exist yet, which takes one command instead of two.
 * - Result: `recorded`.
 *
 * Why a script: record and expiry belong together: a process that dies in between would leave a
 * key that never expires.
 */
const script = new Script(`${UNPACK}${KEEP}
local ttl = ARGV[1]
for at = 2, #ARGV, 3 do
  local key, text = ARGV[at], ARGV[at + 1]
  if ARGV[at + 2] == 0 or not redis.call('SET', key, text, 'NX', 'PX', ttl) then
    if redis.call('APPEND', key, text) > #text then
      keep(key, ttl)
    else
      redis.call('PEXPIRE', key, ttl)
    end
  end
end
return 'recorded'
`);

export interface RecordingSteps {
  readonly steps: readonly FinishedStep[];
  /** Returns the key of a workflow's steps. All these keys are in one slot. */
  readonly keyOf: (workflow: string) => string;
  /** In milliseconds. */
  readonly ttl: number;
}

export async function recordSteps(
  client: Redis,
  { steps, keyOf, ttl }: RecordingSteps,
): Promise<void> {
  const args = pack((list) => {
    list.number(ttl);
    for (const { workflow, step, run, failed, record } of steps) {
      list.text(keyOf(workflow));
      list.text(`${step} ${run} ${failed ? 1 : 0} ${record.length} ${record}\n`);
      list.number(step === '0' ? 1 : 0);
    }
  });
  await script.run(client, [keyOf(steps[0]!.workflow)], [args]);
}
