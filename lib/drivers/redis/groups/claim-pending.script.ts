import type { Redis } from 'ioredis';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { Script } from '../scripting/script.js';

/**
 * Hands pending entries to a consumer, without counting a run, except for entries on hold.
 *
 * - KEYS: the stream.
 * - ARGV: group; consumer; least idle time in milliseconds; the ids.
 * - Result: the ids that were handed over.
 *
 * Why a script: otherwise an entry could be put on hold between the look and the claim.
 */
const script = new Script(`
local claim = { 'XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3] }
for i = 4, #ARGV do
  local row = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if row and row[2] ~= '${HELD_CONSUMER}' then claim[#claim + 1] = ARGV[i] end
end
if #claim == 5 then
  redis.call('XPENDING', KEYS[1], ARGV[1])
  return {}
end
claim[#claim + 1] = 'JUSTID'
return redis.call(unpack(claim)) -- XCLAIM
`);

export async function claimPending(
  client: Redis,
  key: string,
  group: string,
  to: { readonly consumer: string; readonly minIdleMs: number; readonly ids: readonly string[] },
): Promise<string[]> {
  const args = [group, to.consumer, to.minIdleMs, ...to.ids];
  return (await script.run(client, [key], args)) as string[];
}
