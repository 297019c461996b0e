import type { Redis } from 'ioredis';
import type { Fields } from '../../../core/message.js';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { Script } from '../scripting/script.js';
import { TRY } from '../scripting/try.js';

/**
 * Lists entries on hold: those of the stream by their ids, then redriven ones.
 *
 * - KEYS: the stream; the redrive stream; the hash of entries on hold.
 * - ARGV: group; maximum of entries; size of the reply above which the page ends, in bytes; id of the
 *   last entry of the page before in the stream, or `-`; the same of the redrive stream; 1 to leave
 *   the stream out.
 * - Result: { 1 where more entries follow, entries }, each as { place, id, delivery count, record or
 *   nil, fields or nil }.
 *
 * Why a script: each entry is listed as it is at one moment, with its record and its fields.
 */
const script = new Script(`${TRY}
local group, most, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local out, size, more = {}, 0, 0
local function page(key, place, after)
  local start = after == '-' and '-' or '(' .. after
  local rows = try('XPENDING', key, group, start, '+', most - #out + 1, '${HELD_CONSUMER}')
  if rows.err then return end
  for _, row in ipairs(rows) do
    if #out == most or size > bytes then
      more = 1
      return
    end
    local entry = redis.call('XRANGE', key, row[1], row[1])[1]
    local record = redis.call('HGET', KEYS[3], place .. row[1])
    if entry then
      for _, field in ipairs(entry[2]) do size = size + #field end
    end
    out[#out + 1] = { place, row[1], row[4], record, entry and entry[2] or false }
  end
end
if ARGV[6] ~= '1' then page(KEYS[1], 's:', ARGV[4]) end
if more == 0 then page(KEYS[2], 'r:', ARGV[5]) end
return { more, out }
`);

export type HeldRow = [
  place: 's:' | 'r:',
  id: string,
  count: number,
  record: string | null,
  fields: Fields | null,
];

export interface HeldRange {
  readonly group: string;
  readonly most: number;
  readonly bytes: number;
  /** The last entry of the page before. */
  readonly after: { readonly kind: 's' | 'r'; readonly id: string } | undefined;
}

export async function listOnHold(
  client: Redis,
  keys: readonly [stream: string, redrive: string, hash: string],
  { group, most, bytes, after }: HeldRange,
): Promise<{ readonly more: boolean; readonly rows: readonly HeldRow[] }> {
  const from = (kind: 's' | 'r'): string => (after?.kind === kind ? after.id : '-');
  const args = [group, most, bytes, from('s'), from('r'), after?.kind === 'r' ? 1 : 0];
  const [more, rows] = (await script.read(client, keys, args)) as [number, HeldRow[]];
  return { more: more === 1, rows };
}
