import type { Redis } from 'ioredis';
import type { Arrival } from '../../../ports/workflow-store.js';
import { Script } from '../scripting/script.js';
import { KEEP } from './keep-longer.js';

/**
 * Records that a branch of a fan-out has arrived.
 *
 * - KEYS: the joins of the workflow.
 * - ARGV: time to live in milliseconds; name of the fan-out; index of the branch; number of
 *   branches; token; result; 1 for a duplicate.
 * - Result: the results of all branches where this arrival is the last one, otherwise nil.
 *
 * Why a script: otherwise two branches that arrive at the same moment could both be the last
 * one, or neither.
 */
const script = new Script(`${KEEP}
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

export interface Arriving {
  readonly joins: string;
  readonly arrival: Arrival;
  /** In milliseconds. */
  readonly ttl: number;
}

/** @returns the results of all branches where this one is the last */
export async function arrive(
  client: Redis,
  { joins, arrival, ttl }: Arriving,
): Promise<readonly string[] | undefined> {
  const { at, index, of, token, result, duplicate } = arrival;
  const args = [ttl, at, index, of, token, result, duplicate ? 1 : 0];
  return ((await script.run(client, [joins], args)) as string[] | null) ?? undefined;
}
