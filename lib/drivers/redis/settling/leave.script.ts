import type { Redis } from 'ioredis';
import type { SettleOutcome } from '../../../core/settlement.js';
import { Script } from '../scripting/script.js';
import type { Fenced } from '../scripting/fence.js';
import { TRY } from '../scripting/try.js';

/**
 * Leaves an entry pending to its consumer, without counting the run that has ended. The entry
 * ages from now on. Carried out twice it answers the same: the delivery count tells that the
 * first time was heard.
 *
 * - KEYS: the stream.
 * - ARGV: group; consumer; id; delivery count that the consumer knows.
 * - Result: `settled`, `lost` or `gone`.
 *
 * Why a script: otherwise an entry that another consumer takes after the check would be claimed
 * back from it.
 */
const script = new Script(`${TRY}
local key, group, consumer, id, count = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local row = try('XPENDING', key, group, id, id, 1)
if row.err or #row == 0 then return 'gone' end
if row[1][2] ~= consumer then return 'lost' end
if row[1][4] == count - 1 then return 'settled' end
if row[1][4] ~= count then return 'lost' end
redis.call('XCLAIM', key, group, consumer, 0, id, 'IDLE', 0, 'RETRYCOUNT', count - 1, 'JUSTID')
return 'settled'
`);

export async function leave(client: Redis, run: Fenced): Promise<SettleOutcome> {
  const args = [run.group, run.consumer, run.id, run.count];
  return ((await script.run(client, [run.key], args, run.guards)) ?? 'lost') as SettleOutcome;
}
