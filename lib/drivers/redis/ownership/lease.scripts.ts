import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/**
 * Lua function `next_token(fence)`: higher than any token before, also where the key that remembers
 * the last one was lost, as the server's time goes on.
 */
export const NEXT_TOKEN = `
local function next_token(fence)
  local now = redis.call('TIME')
  local last = tonumber(redis.call('GET', fence) or '0') or 0
  return string.format('%.0f', math.max(last + 1, now[1] * 1000000 + now[2]))
end
`;

/** KEYS owner, fence. ARGV owner, ttl in ms, how long the fence is kept in ms. Answers false or the token. */
const acquire = new Script(`${NEXT_TOKEN}
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return false end
local token = next_token(KEYS[2])
redis.call('SET', KEYS[2], token, 'PX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return token
`);

/** KEYS and ARGV as above, and the token. Answers 1, or 0 where somebody has acquired it since. */
const extend = new Script(`
if redis.call('GET', KEYS[2]) ~= ARGV[4] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
`);

/** KEYS as above. ARGV token. The fence moves on, so that nothing is settled by it any more. */
const release = new Script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], string.format('%.0f', ARGV[1] + 1), 'KEEPTTL')
redis.call('DEL', KEYS[1])
return 1
`);

/** A lease's two keys. */
export interface LeaseKeys {
  readonly owner: string;
  readonly fence: string;
}

/** Tokens are remembered for so long after a lease was last extended, ms: a week. */
const REMEMBERED = 7 * 86_400_000;

export async function acquireLease(
  client: Redis,
  { owner: key, fence }: LeaseKeys,
  owner: string,
  ttl: number,
): Promise<number | undefined> {
  const token = await acquire.run(client, [key, fence], [owner, ttl, ttl + REMEMBERED]);
  return token === null ? undefined : Number(token);
}

export async function extendLease(
  client: Redis,
  { owner: key, fence }: LeaseKeys,
  { owner, token }: { readonly owner: string; readonly token: number },
  ttl: number,
): Promise<boolean> {
  const args = [owner, ttl, ttl + REMEMBERED, token];
  return (await extend.run(client, [key, fence], args)) === 1;
}

export async function releaseLease(
  client: Redis,
  { owner, fence }: LeaseKeys,
  token: number,
): Promise<boolean> {
  return (await release.run(client, [owner, fence], [token])) === 1;
}
