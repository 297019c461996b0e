import type { Redis } from 'ioredis';
import type { StreamHandOverOutcome, HandOverTarget } from '../../../../ports/stream-locks.js';
import { Script } from '../../scripting/script.js';
import { HANDED } from '../inputs/handed-inputs.js';
import { RAISE } from './stream-token.js';
import { MINE } from '../inputs/pending-input.js';
import type { StreamKeys } from './take-stream.script.js';
import { TRY } from '../../scripting/try.js';

/**
 * Makes another consumer the owner of a stream: input, lock and token belong to that consumer
 * from then on.
 *
 * - KEYS: the lock; the inputs; the fence; the members; the handed inputs.
 * - ARGV: consumer; group; id; token; lease in milliseconds; the other consumer; its last
 *   announcement; the number of inputs handed to it that this consumer knows of.
 * - Result: `settled`, `stale`, `lost` or `gone`.
 *
 * Why a script: the lock never expires in between, so that no third consumer takes the stream.
 */
const script = new Script(`${TRY}${RAISE}${MINE}${HANDED}
local lock, input, fence = KEYS[1], KEYS[2], KEYS[3]
local me, group, id, to = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local holder = redis.call('GET', lock)
local fenced = redis.call('GET', fence) == ARGV[4]
local whose = mine(input, group, id, me)
if whose == 'gone' then return 'gone' end
if whose == 'lost' or not fenced or (holder and holder ~= me) then return 'lost' end
if not may_hand(KEYS[4], KEYS[5], to, ARGV[7], ARGV[8]) then return 'stale' end
-- Claiming a deleted entry would remove it from the pending list.
if #redis.call('XRANGE', input, id, id) == 0 then return 'stale' end
redis.call('XCLAIM', input, group, to, 0, id, 'JUSTID')
redis.call('SET', lock, to, 'PX', ARGV[5])
hand(KEYS[5], id, raise(fence), to)
return 'settled'
`);

export interface HandingOver {
  readonly keys: StreamKeys;
  readonly members: string;
  readonly handed: string;
  readonly consumer: string;
  readonly group: string;
  readonly id: string;
  readonly token: number;
  readonly lease: number;
  readonly target: HandOverTarget;
}

export async function handOverStream(
  client: Redis,
  { keys, members, handed, target, ...handing }: HandingOver,
): Promise<StreamHandOverOutcome> {
  const { consumer, group, id, token, lease } = handing;
  return (await script.run(
    client,
    [keys.lock, keys.inputs, keys.fence, members, handed],
    [consumer, group, id, token, lease, target.consumer, target.said, target.handed],
  )) as StreamHandOverOutcome;
}
