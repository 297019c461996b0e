import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { KEEP } from './keep-longer.js';

/**
 * Sets a field of the state of a workflow where it is not set.
 *
 * - KEYS: the state.
 * - ARGV: time to live in milliseconds; field; value.
 * - Result: `marked`.
 *
 * Why a script: field and expiry belong together: a process that dies in between would leave a
 * key that never expires.
 */
const script = new Script(`${KEEP}
local there = redis.call('EXISTS', KEYS[1]) == 1
if not redis.call('HGET', KEYS[1], ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
end
if there then keep(KEYS[1], ARGV[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 'marked'
`);

export interface MarkingWorkflow {
  readonly state: string;
  readonly field: string;
  readonly value: string | number;
  /** In milliseconds. */
  readonly ttl: number;
}

export async function markWorkflow(
  client: Redis,
  { state, field, value, ttl }: MarkingWorkflow,
): Promise<void> {
  await script.run(client, [state], [ttl, field, value]);
}
