import { chunksOf } from '../../../core/collections/chunks.js';
import type { Redis } from 'ioredis';
import type { Guard } from '../../../core/guard.js';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { ID_ORDER } from '../scripting/id-order.js';
import { PENDING_BUT_HELD } from '../scripting/pending-but-held.js';
import { Script } from '../scripting/script.js';

/**
 * Takes over the pending entries of a group from any consumer, however fresh they are, oldest
 * first, except for entries on hold. No run is counted. A claim of an entry whose data was deleted
 * drops it from the pending list; the entry is found to be gone when it is fetched.
 *
 * - KEYS: the stream.
 * - ARGV: group; consumer; id to begin behind, or `-`; maximum of entries.
 * - Result: id, delivery count and former consumer of each entry, in turn.
 *
 * Why a script: otherwise an entry could be settled or handed on between the list and the claim.
 */
const script = new Script(`${ID_ORDER}${PENDING_BUT_HELD}
local start, most = ARGV[3], tonumber(ARGV[4])
if start ~= '-' then start = '(' .. start end
local counts = pending_counts(KEYS[1], ARGV[1])
local taken, claim = {}, { 'XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0 }
while #claim - 5 < most do
  local page = most - #claim + 5
  local rows = pending_page(KEYS[1], ARGV[1], counts, start, page)
  for _, row in ipairs(rows) do
    if row[2] ~= '${HELD_CONSUMER}' then
      claim[#claim + 1] = row[1]
      taken[#taken + 1] = row[1]
      taken[#taken + 1] = row[4]
      taken[#taken + 1] = row[2]
    end
  end
  if #rows < page then break end
  start = '(' .. rows[#rows][1]
end
if #claim > 5 then
  claim[#claim + 1] = 'JUSTID'
  redis.call(unpack(claim)) -- XCLAIM
end
return taken
`);

/** Most entries of one claim: Lua can pass some thousand arguments at most. */
export const TAKE_AT_ONCE = 1000;

export interface TakePending {
  readonly key: string;
  readonly group: string;
  readonly consumer: string;
  readonly guards: readonly Guard[];
  /** The last entry that was taken. Undefined: begins with the oldest. */
  readonly after: string | undefined;
  /** {@link TAKE_AT_ONCE} at most. */
  readonly count: number;
}

/** An entry that was taken over. */
export interface TakenEntry {
  readonly id: string;
  readonly count: number;
  /** The consumer that had it pending. */
  readonly from: string;
}

/** @returns undefined where a guard does not hold */
export async function takePending(
  client: Redis,
  take: TakePending,
): Promise<TakenEntry[] | undefined> {
  const { key, group, consumer, after = '-', count, guards } = take;
  const flat = await script.run(client, [key], [group, consumer, after, count], guards);
  if (flat === null) return undefined;
  const rows = flat as (string | number)[];
  return chunksOf(rows, 3).map(([id, count, from]) => ({
    id: String(id),
    count: Number(count),
    from: String(from),
  }));
}
