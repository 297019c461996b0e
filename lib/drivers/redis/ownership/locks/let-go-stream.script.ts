import type { Redis } from 'ioredis';
import type { CompleteOutcome } from '../../../../ports/stream-locks.js';
import { Script } from '../../scripting/script.js';
import { OTHERS_HAVE } from './others-pending.js';
import { GIVE_BACK, MINE } from '../inputs/pending-input.js';
import { RAISE, TOKEN_IS_KNOWN_FOR } from './stream-token.js';
import type { StreamKeys } from './take-stream.script.js';
import { TRY } from '../../scripting/try.js';

/**
 * Ends the ownership of a stream. With `complete` its input is acknowledged and deleted, and
 * with it the last entry of the data stream, where one is given. Otherwise the stream is given
 * back: the token is raised, so that this owner settles nothing any more. The lock is then set
 * to expire at once instead of being deleted, because the server tells waiting consumers of
 * expiries only. Where neither the last entry nor the input is pending any more, an earlier try
 * has succeeded.
 *
 * - KEYS: the lock; the inputs; the fence; the assignment; optionally the data stream.
 * - ARGV: consumer; group; id; token; 1 to complete; optionally the group of the data stream,
 *   and the id of its last entry or an empty text.
 * - Result: `settled`, `lost`, `gone`, or `unsettled`: other consumers have pending entries in
 *   that group, and nothing is done.
 *
 * Why a script: otherwise another consumer could take the stream between the check and the end
 * of the ownership.
 */
const script = new Script(`${TRY}${RAISE}${MINE}${GIVE_BACK}${OTHERS_HAVE}
local lock, input, fence, assignment = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local me, group, id = ARGV[1], ARGV[2], ARGV[3]
local holder = redis.call('GET', lock)
local fenced = redis.call('GET', fence) == ARGV[4]
local whose = mine(input, group, id, me)
if whose == 'gone' then
  if fenced and holder == me then redis.call('DEL', lock) end
  if KEYS[5] and ARGV[7] ~= '' and mine(KEYS[5], ARGV[6], ARGV[7], me) == 'gone' then return 'settled' end
  return 'gone'
end
if whose == 'lost' or not fenced or (holder and holder ~= me) then return 'lost' end
if ARGV[5] == '1' then
  if KEYS[5] and others_have(KEYS[5], ARGV[6], me) then return 'unsettled' end
  if KEYS[5] and ARGV[7] ~= '' then redis.call('XACK', KEYS[5], ARGV[6], ARGV[7]) end
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

/**
 * The group that reads a data stream, and its last entry, which is acknowledged in the same step.
 */
export interface DataGroup {
  readonly key: string;
  readonly group: string;
  readonly last?: string;
}

export interface LettingGo {
  readonly keys: StreamKeys;
  readonly consumer: string;
  readonly group: string;
  readonly id: string;
  readonly token: number;
  readonly complete: boolean;
  /** The group that reads the data stream. */
  readonly reading?: DataGroup | undefined;
}

export async function letGoStream(client: Redis, going: LettingGo): Promise<CompleteOutcome> {
  const { lock, inputs, fence, assignment } = going.keys;
  const { consumer, group, id, token, complete, reading } = going;
  const { key, group: dataGroup, last = '' } = reading ?? {};
  return (await script.run(
    client,
    [lock, inputs, fence, assignment, ...(key === undefined ? [] : [key])],
    [consumer, group, id, token, complete ? 1 : 0, dataGroup ?? '', last],
  )) as CompleteOutcome;
}
