import type { Redis } from 'ioredis';
import type { LetGoOutcome } from '../../../../ports/stream-locks.js';
import { Script } from '../../scripting/script.js';
import { GIVE_BACK, MINE } from '../inputs/pending-input.js';
import { TRY } from '../../scripting/try.js';

/**
 * On a cluster: acknowledges and deletes an input, or gives it back, while it is pending to this
 * consumer.
 *
 * - KEYS: the inputs.
 * - ARGV: consumer; group; id; 1 to complete.
 * - Result: `settled`, `lost` or `gone`.
 *
 * Why a script: otherwise an input that another consumer takes after the check would be deleted.
 */
const script = new Script(`${TRY}${MINE}${GIVE_BACK}
local whose = mine(KEYS[1], ARGV[2], ARGV[3], ARGV[1])
if whose ~= 'mine' then return whose end
if ARGV[4] == '1' then
  redis.call('XACK', KEYS[1], ARGV[2], ARGV[3])
  redis.call('XDEL', KEYS[1], ARGV[3])
else
  give_back(KEYS[1], ARGV[2], ARGV[3], ARGV[1])
end
return 'settled'
`);

export interface SettlingInput {
  readonly inputs: string;
  readonly consumer: string;
  readonly group: string;
  readonly id: string;
  readonly complete: boolean;
}

export async function settleInput(client: Redis, settling: SettlingInput): Promise<LetGoOutcome> {
  const { inputs, consumer, group, id, complete } = settling;
  return (await script.run(
    client,
    [inputs],
    [consumer, group, id, complete ? 1 : 0],
  )) as LetGoOutcome;
}
