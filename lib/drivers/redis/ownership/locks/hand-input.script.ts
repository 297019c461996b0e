import type { Redis } from 'ioredis';
import type { StreamHandOverOutcome, HandOverTarget } from '../../../../ports/stream-locks.js';
import { Script } from '../../scripting/script.js';
import { HANDED } from '../inputs/handed-inputs.js';
import { MINE } from '../inputs/pending-input.js';
import { TRY } from '../../scripting/try.js';

/**
 * On a cluster: moves an input that is pending to this consumer to another one, under the token
 * that the stream has then.
 *
 * - KEYS: the inputs; the members; the handed inputs.
 * - ARGV: consumer; group; id; token; the other consumer; its last announcement; the number of
 *   inputs handed to it that this consumer knows of.
 * - Result: `settled`, `stale`, `lost` or `gone`.
 *
 * Why a script: otherwise the other consumer could leave, or be handed more, between the check
 * and the move.
 */
const script = new Script(`${TRY}${MINE}${HANDED}
local whose = mine(KEYS[1], ARGV[2], ARGV[3], ARGV[1])
if whose ~= 'mine' then return whose end
if not may_hand(KEYS[2], KEYS[3], ARGV[5], ARGV[6], ARGV[7]) then return 'stale' end
if #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) == 0 then return 'stale' end
redis.call('XCLAIM', KEYS[1], ARGV[2], ARGV[5], 0, ARGV[3], 'JUSTID')
hand(KEYS[3], ARGV[3], ARGV[4], ARGV[5])
return 'settled'
`);

export interface HandingInput {
  readonly inputs: string;
  readonly members: string;
  readonly handed: string;
  readonly consumer: string;
  readonly group: string;
  readonly id: string;
  readonly token: number;
  readonly target: HandOverTarget;
}

export async function handInput(
  client: Redis,
  handing: HandingInput,
): Promise<StreamHandOverOutcome> {
  const { inputs, members, handed, consumer, group, id, token, target } = handing;
  return (await script.run(
    client,
    [inputs, members, handed],
    [consumer, group, id, token, target.consumer, target.said, target.handed],
  )) as StreamHandOverOutcome;
}
