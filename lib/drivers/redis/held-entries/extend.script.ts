import type { Redis } from 'ioredis';
import type { Guard } from '../../../core/guard.js';
import type { ExtendOutcome } from '../../../core/lease.js';
import { Script } from '../scripting/script.js';
import { TRY } from '../scripting/try.js';

/**
 * Keeps entries of one consumer fresh, each only while this run owns it. One XPENDING for the
 * whole range serves all entries, except those behind very many that are not asked for. A claim
 * of an entry whose data was deleted drops it from the pending list, and leaves its id out.
 *
 * - KEYS: the stream.
 * - ARGV: group; consumer; first id; last id; then id and delivery count of each entry, in turn.
 * - Result: for each entry `held`, `lost`, `gone` or `trimmed`.
 *
 * Why a script: otherwise an entry that another consumer takes after the check would be claimed
 * back from it.
 */
const script = new Script(`${TRY}
local key, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local rows = try('XPENDING', key, group, ARGV[3], ARGV[4], 100000, consumer)
local counts = {}
if not rows.err then
  for _, row in ipairs(rows) do counts[row[1]] = row[4] end
end
local words, claim = {}, { 'XCLAIM', key, group, consumer, 0 }
for i = 5, #ARGV, 2 do
  local count, word = counts[ARGV[i]], 'lost'
  if count == tonumber(ARGV[i + 1]) then
    claim[#claim + 1] = ARGV[i]
    word = 'trimmed'
  elseif not count then
    local row = try('XPENDING', key, group, ARGV[i], ARGV[i], 1)
    if row.err or #row == 0 then
      word = 'gone'
    elseif row[1][2] == consumer and row[1][4] == tonumber(ARGV[i + 1]) then
      claim[#claim + 1] = ARGV[i]
      word = 'trimmed'
    end
  end
  words[#words + 1] = word
end
if #claim > 5 then
  claim[#claim + 1] = 'JUSTID'
  local kept = {}
  local claimed = redis.call(unpack(claim)) -- XCLAIM
  for _, id in ipairs(claimed) do kept[id] = true end
  for i = 5, #ARGV, 2 do
    if kept[ARGV[i]] then words[(i - 3) / 2] = 'held' end
  end
end
return words
`);

/** Most entries in one run of the script, so that it never blocks the server for long. */
export const EXTEND_AT_ONCE = 500;

export interface Extending {
  readonly key: string;
  readonly group: string;
  readonly consumer: string;
  /** In ascending order of id, {@link EXTEND_AT_ONCE} at most. */
  readonly entries: readonly { readonly id: string; readonly count: number }[];
  readonly guards?: readonly Guard[] | undefined;
}

export async function extend(client: Redis, extending: Extending): Promise<ExtendOutcome[]> {
  const { key, group, consumer, entries, guards } = extending;
  const flat = entries.flatMap(({ id, count }) => [id, count]);
  const range = [entries[0]!.id, entries[entries.length - 1]!.id];
  const args = [group, consumer, ...range, ...flat];
  const words = await script.run(client, [key], args, guards);
  return (words ?? entries.map(() => 'lost')) as ExtendOutcome[];
}
