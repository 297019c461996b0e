import type { Redis } from 'ioredis';
import type { Arrival, FinishedStep } from '../../../core/workflow-store.js';
import { Script } from '../script.js';
import { pack, UNPACK } from './packing.js';

export const BEGUN = 'begun';
export const CANCELLED = 'cancelled';

/**
 * Records steps. KEYS that of one step, for its slot. ARGV, packed: ttl, then key and text of each.
 */
const recordScript = new Script(`${UNPACK}
for at = 2, #ARGV, 2 do
  redis.call('RPUSH', ARGV[at], ARGV[at + 1])
  redis.call('PEXPIRE', ARGV[at], ARGV[1])
end
return 1
`);

/**
 * A branch arrives. KEYS joins. ARGV ttl, name of the fan-out, index, branches, token, result.
 * Answers the results where it is the last one.
 */
const arriveScript = new Script(`
local key, name, of = KEYS[1], ARGV[2], tonumber(ARGV[4])
local last = redis.call('HGET', key, name .. ' last')
if last and last ~= ARGV[5] then return false end
if not last then
  local known = redis.call('HGET', key, name .. ' ' .. ARGV[3])
  local arrived = tonumber(redis.call('HGET', key, name .. ' arrived') or 0)
  if not known then arrived = arrived + 1 end
  redis.call('HSET', key, name .. ' ' .. ARGV[3], ARGV[6], name .. ' arrived', arrived)
  redis.call('PEXPIRE', key, ARGV[1])
  if arrived < of then return false end
  redis.call('HSET', key, name .. ' last', ARGV[5])
end
local fields = {}
for index = 0, of - 1 do fields[#fields + 1] = name .. ' ' .. index end
return redis.call('HMGET', key, unpack(fields))
`);

/** KEYS states. Answers 1 for each that was cancelled, 0 for the others. */
const cancelledScript = new Script(`
local words = {}
for at, key in ipairs(KEYS) do
  words[at] = redis.call('HGET', key, '${CANCELLED}') and 1 or 0
end
return words
`);

/** Sets a field that is not there. KEYS state. ARGV ttl, field, value. */
const markScript = new Script(`
if not redis.call('HGET', KEYS[1], ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`);

/** @param keyOf the key of a workflow's steps; all are in one place */
export async function recordSteps(
  client: Redis,
  steps: readonly FinishedStep[],
  keyOf: (workflow: string) => string,
  ttl: number,
): Promise<void> {
  const args = pack((list) => {
    list.number(ttl);
    for (const { workflow, step, run, follows, failed, record } of steps) {
      list.text(keyOf(workflow));
      list.text(`${step} ${run} ${follows} ${failed ? 1 : 0} ${record}`);
    }
  });
  await recordScript.run(client, [keyOf(steps[0]!.workflow)], [args]);
}

export async function arrive(
  client: Redis,
  key: string,
  { at, index, of, token, result }: Arrival,
  ttl: number,
): Promise<readonly string[] | undefined> {
  const args = [ttl, at, index, of, token, result];
  return ((await arriveScript.run(client, [key], args)) as string[] | null) ?? undefined;
}

export async function areCancelled(client: Redis, keys: readonly string[]): Promise<boolean[]> {
  return ((await cancelledScript.run(client, keys, [])) as number[]).map((word) => word === 1);
}

export async function mark(
  client: Redis,
  key: string,
  field: string,
  value: string | number,
  ttl: number,
): Promise<void> {
  await markScript.run(client, [key], [ttl, field, value]);
}
