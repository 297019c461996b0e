import type { Redis } from 'ioredis';
import { Script } from '../../scripting/script.js';
import { MINE } from '../inputs/pending-input.js';
import { TRY } from '../../scripting/try.js';

/**
 * On a cluster, where lock and inputs are on different nodes: moves an input to a consumer that
 * has its lock.
 *
 * - KEYS: the inputs.
 * - ARGV: consumer; group; id; 1 to take only an input that is pending to this consumer.
 * - Result: `mine` or `gone`.
 *
 * Why a script: otherwise the input could be completed between the check and the claim.
 */
const script = new Script(`${TRY}${MINE}
local whose = mine(KEYS[1], ARGV[2], ARGV[3], ARGV[1])
if whose == 'mine' then return 'mine' end
if whose == 'gone' or ARGV[4] == '1' then return 'gone' end
if #redis.call('XCLAIM', KEYS[1], ARGV[2], ARGV[1], 0, ARGV[3], 'JUSTID') == 0 then return 'gone' end
return 'mine'
`);

export interface ClaimingInput {
  readonly inputs: string;
  readonly consumer: string;
  readonly group: string;
  readonly id: string;
  readonly ours: boolean;
}

export async function claimInput(client: Redis, claiming: ClaimingInput): Promise<'mine' | 'gone'> {
  const { inputs, consumer, group, id, ours } = claiming;
  return (await script.run(client, [inputs], [consumer, group, id, ours ? 1 : 0])) as
    'mine' | 'gone';
}
