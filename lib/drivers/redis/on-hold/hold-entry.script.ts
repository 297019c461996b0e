import type { Redis } from 'ioredis';
import type { SettleOutcome } from '../../../core/settlement.js';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { FENCE, type Fenced } from '../scripting/fence.js';
import { Script } from '../scripting/script.js';

/**
 * Puts an entry on hold: notes its record, and makes it pending to a consumer that no program runs.
 *
 * - KEYS: the stream; the hash of entries on hold.
 * - ARGV: group; consumer; id; delivery count; the entry's id in the hash; record as a JSON text.
 * - Result: `settled`, `lost`, `gone`; `unheld` where the entry's data was deleted, and nothing was
 *   done; or the refusal where the hash is of another type.
 *
 * Why a script: otherwise a process that dies in between would leave an entry that any consumer may
 * take.
 */
const script = new Script(`${FENCE}
local key, group, id = KEYS[1], ARGV[1], ARGV[3]
local word = fence(key, group, ARGV[2], id, ARGV[4])
if word == 'lost' then
  local row = try('XPENDING', key, group, id, id, 1)[1]
  if row and row[2] == '${HELD_CONSUMER}' then return 'gone' end
end
if word ~= 'held' then return word end
if #redis.call('XRANGE', key, id, id) == 0 then return 'unheld' end
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'hash' and kind ~= 'none' then
  return redis.error_reply('WRONGTYPE key ' .. KEYS[2] .. ' holds a ' .. kind .. ', not a hash')
end
redis.call('HSET', KEYS[2], ARGV[5], ARGV[6])
redis.call('XCLAIM', key, group, '${HELD_CONSUMER}', 0, id, 'IDLE', 0, 'RETRYCOUNT', ARGV[4], 'JUSTID')
return 'settled'
`);

export interface Holding extends Fenced {
  /** The hash of entries on hold. */
  readonly hash: string;
  readonly field: string;
  /** JSON of the record. */
  readonly record: string;
}

export async function holdEntry(
  client: Redis,
  { key, group, consumer, id, count, guards, hash, field, record }: Holding,
): Promise<SettleOutcome> {
  const args = [group, consumer, id, count, field, record];
  const word = await script.run(client, [key, hash], args, guards);
  return (word ?? 'lost') as SettleOutcome;
}
