import type { Redis } from 'ioredis';
import type { LetGoOutcome } from '../../../core/stream-ownership.js';
import { Script } from '../script.js';
import { GIVE_BACK } from './pending-input.js';
import { MINE, RAISE, TOKEN_IS_KNOWN_FOR } from './stream-token.js';
import type { StreamKeys } from './take-stream.script.js';
import { TRY } from './try.js';

/**
 * Ends the ownership of a stream. `complete`: its input is acknowledged and deleted. Else it is given
 * back: the token is raised, so that nothing of ours passes any more, and the lock is left to expire
 * at once instead of being deleted, as only that is told to those who wait for it.
 * KEYS lock, inputs, fence, assignment, and maybe the data stream. ARGV consumer, group, id, token,
 * whether complete, and maybe group and id of the last entry of the data stream, acknowledged with it:
 * where neither it nor the input is pending any more, an earlier try was carried out.
 */
const script = new Script(`${TRY}${RAISE}${MINE}${GIVE_BACK}
local lock, input, fence, assignment = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local me, group, id = ARGV[1], ARGV[2], ARGV[3]
local holder = redis.call('GET', lock)
local fenced = redis.call('GET', fence) == ARGV[4]
local whose = mine(input, group, id, me)
if whose == 'gone' then
  if fenced and holder == me then redis.call('DEL', lock) end
  if KEYS[5] and mine(KEYS[5], ARGV[6], ARGV[7], me) == 'gone' then return 'settled' end
  return 'gone'
end
if whose == 'lost' or not fenced or (holder and holder ~= me) then return 'lost' end
if ARGV[5] == '1' then
  if KEYS[5] then redis.call('XACK', KEYS[5], ARGV[6], ARGV[7]) end
  redis.call('XACK', input, group, id)
  redis.call('XDEL', input, id)
  redis.call('PEXPIRE', fence, ${TOKEN_IS_KNOWN_FOR})
  redis.call('DEL', lock)
else
  raise(fence)
  give_back(input, group, id, me)
  redis.call('PEXPIRE', lock, 1)
end
redis.call('DEL', assignment)
return 'settled'
`);

export interface LettingGo {
  readonly keys: StreamKeys;
  readonly consumer: string;
  readonly group: string;
  readonly id: string;
  readonly token: number;
  readonly complete: boolean;
  /** Acknowledged in the same step. */
  readonly last?: { readonly key: string; readonly group: string; readonly id: string };
}

export async function letGoStream(client: Redis, going: LettingGo): Promise<LetGoOutcome> {
  const { lock, inputs, fence, assignment } = going.keys;
  const { consumer, group, id, token, complete, last } = going;
  return (await script.run(
    client,
    [lock, inputs, fence, assignment, ...(last ? [last.key] : [])],
    [consumer, group, id, token, complete ? 1 : 0, ...(last ? [last.group, last.id] : [])],
  )) as LetGoOutcome;
}
