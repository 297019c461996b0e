import type { Redis } from 'ioredis';
import type { Arrival } from '../../../ports/workflow-store.js';
import type { FinishedStep } from '../../../core/ended-step.js';
import { Script } from '../scripting/script.js';
import { pack, UNPACK } from '../scripting/packing.js';

export const BEGUN = 'begun';
export const CANCELLED = 'cancelled';
/** Holds the place of what is to come. */
const KEPT = 'kept';

/** Lua `keep(key, ms)` of a key that was there before, and may have to last longer. */
const KEEP = `
local function keep(key, ms) redis.call('PEXPIRE', key, ms, 'GT') end
`;

/**
 * Records steps. KEYS that of one step, for its slot. ARGV, packed: ttl, then key and text of each,
 * and 1 where nothing should be there yet, which takes one command instead of two.
 */
const recordScript = new Script(`${UNPACK}${KEEP}
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
return 1
`);

/**
 * Has everything last. What is not there yet is made, so that it does, too. KEYS steps, joins, state.
 * ARGV ms.
 */
const keepScript = new Script(`${KEEP}
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
return 1
`);

/**
 * A branch arrives. KEYS joins. ARGV ttl, name of the fan-out, index, branches, token, result, 1 for
 * a duplicate. Answers the results where it is the last one.
 */
const arriveScript = new Script(`${KEEP}
local key, name, of = KEYS[1], ARGV[2], tonumber(ARGV[4])
local last = redis.call('HGET', key, name .. ' last')
if last and last ~= ARGV[5] then return false end
local known = redis.call('HGET', key, name .. ' ' .. ARGV[3])
local arrived = tonumber(redis.call('HGET', key, name .. ' arrived') or 0)
if not known then arrived = arrived + 1 end
local result = known and ARGV[7] == '1' and known or ARGV[6]
local there = redis.call('EXISTS', key) == 1
redis.call('HSET', key, name .. ' ' .. ARGV[3], result, name .. ' arrived', arrived)
if there then keep(key, ARGV[1]) else redis.call('PEXPIRE', key, ARGV[1]) end
if arrived < of then return false end
if not last then redis.call('HSET', key, name .. ' last', ARGV[5]) end
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
const markScript = new Script(`${KEEP}
local there = redis.call('EXISTS', KEYS[1]) == 1
if not redis.call('HGET', KEYS[1], ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
end
if there then keep(KEYS[1], ARGV[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
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
    for (const { workflow, step, run, failed, record } of steps) {
      list.text(keyOf(workflow));
      list.text(`${step} ${run} ${failed ? 1 : 0} ${record.length} ${record}\n`);
      list.number(step === '0' ? 1 : 0);
    }
  });
  await recordScript.run(client, [keyOf(steps[0]!.workflow)], [args]);
}

/** @param keys of its steps, its joins and its state */
export async function keepWorkflow(
  client: Redis,
  keys: readonly string[],
  ms: number,
): Promise<void> {
  await keepScript.run(client, keys, [Math.ceil(ms)]);
}

export async function arrive(
  client: Redis,
  key: string,
  { at, index, of, token, result, duplicate }: Arrival,
  ttl: number,
): Promise<readonly string[] | undefined> {
  const args = [ttl, at, index, of, token, result, duplicate ? 1 : 0];
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
