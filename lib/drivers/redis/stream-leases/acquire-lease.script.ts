import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { NEXT_TOKEN, REMEMBERED, type LeaseKeys } from './lease-keys.js';

/**
 * Acquires a lease, or extends it for the owner that has it.
 *
 * - KEYS: the owner; the fence.
 * - ARGV: owner; time to live in milliseconds; the time to keep the fence, in milliseconds.
 * - Result: the token, or `held` where another owner has the lease.
 *
 * Why a script: otherwise two owners could both find the lease free, and both take it.
 */
const script = new Script(`${NEXT_TOKEN}
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 'held' end
local token = next_token(KEYS[2])
redis.call('SET', KEYS[2], token, 'PX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return token
`);

export interface AcquiringLease {
  readonly keys: LeaseKeys;
  readonly owner: string;
  /** In milliseconds. */
  readonly ttl: number;
}

/** @returns the token */
export async function acquireLease(
  client: Redis,
  { keys, owner, ttl }: AcquiringLease,
): Promise<number | 'held'> {
  const args = [owner, ttl, ttl + REMEMBERED];
  const token = await script.run(client, [keys.owner, keys.fence], args);
  return token === 'held' ? token : Number(token);
}
