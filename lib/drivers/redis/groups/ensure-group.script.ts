import type { Redis } from 'ioredis';
import { DELETED } from '../scripting/group-record.js';
import { Script } from '../scripting/script.js';
import { ID_ORDER } from '../scripting/id-order.js';
import { TRY } from '../scripting/try.js';
import { XINFO_RECORD } from '../scripting/xinfo-record.js';

/**
 * Creates a group where it is missing, at a position that skips no unsettled entry.
 *
 * The floor of a group is `oldest pending id or '-'`, `last delivered id`, `entries added`, and
 * `entries read or '-'`, separated by spaces. A floor is valid only while the stream reaches up
 * to it and its count of added entries was not restarted: after a flush the ids may begin lower,
 * and a group at the old position would read nothing, for ever. The floor in the hash is at
 * least as new as the floor that any process has seen itself.
 *
 * - KEYS: the stream; the floors of its groups.
 * - ARGV: group; start id; floor that the caller knows, or an empty text; 1 to create the group,
 *   or 0 to look only.
 * - Result: { word, position, last delivered id before }. Words: `exists`; `created`; `restored`
 *   at the floor; `replayed` from the beginning, because the server lost data; `deleted` on
 *   request; and where it only looks `missing`, or `absent` without the stream.
 *
 * Why a script: otherwise the stream could be flushed, or the group created elsewhere, between
 * the check of the floor and the creation.
 */
const script = new Script(`${TRY}${XINFO_RECORD}${ID_ORDER}
local key, group, start, floor = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local function before(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  ms, seq = tonumber(ms), tonumber(seq)
  if seq > 0 then return string.format('%.0f-%.0f', ms, seq - 1) end
  if ms == 0 then return '0-0' end
  return string.format('%.0f-18446744073709551615', ms - 1)
end
local groups = try('XINFO', 'GROUPS', key)
if groups.err and string.sub(groups.err, 1, 9) == 'WRONGTYPE' then return groups end
local exists = not groups.err
if exists then
  for _, row in ipairs(groups) do
    if record(row).name == group then return { 'exists', '', '' } end
  end
end
local noted = try('HGET', KEYS[2], group)
if type(noted) == 'string' then floor = noted end
if floor == '${DELETED}' then return { 'deleted', '', '' } end
if ARGV[4] == '0' then return { exists and 'missing' or 'absent', '', '' } end
local oldest, last, added, read = string.match(floor, '^(%S+) (%S+) (%S+) (%S+)$')
if not last then
  redis.call('XGROUP', 'CREATE', key, group, start, 'MKSTREAM')
  return { 'created', start, '' }
end
local now_last, now_added = '0-0', 0
if exists then
  local stream = redis.call('XINFO', 'STREAM', key)
  local info = record(stream)
  now_last, now_added = info['last-generated-id'], info['entries-added'] or 0
end
local position = last
-- The position of a group that was moved back is before its oldest pending entry.
if oldest ~= '-' and less(before(oldest), last) then position = before(oldest) end
if less(now_last, position) or now_added < tonumber(added) then
  redis.call('XGROUP', 'CREATE', key, group, '0', 'MKSTREAM')
  return { 'replayed', '0', last }
end
if position == last and read ~= '-' then
  redis.call('XGROUP', 'CREATE', key, group, position, 'MKSTREAM', 'ENTRIESREAD', read)
else
  redis.call('XGROUP', 'CREATE', key, group, position, 'MKSTREAM')
end
return { 'restored', position, last }
`);

export interface EnsureGroupReply {
  readonly word: 'exists' | 'created' | 'restored' | 'replayed' | 'deleted' | 'missing' | 'absent';
  /** The id behind which the group resumes. */
  readonly position: string;
  /** The last id that the group had delivered before, where that is known. */
  readonly lastDelivered: string;
}

export async function ensureGroup(
  client: Redis,
  names: {
    key: string;
    floor: string;
    group: string;
    startId: string;
    create: boolean;
    knownFloor: string;
  },
): Promise<EnsureGroupReply> {
  const { key, floor, group, startId, create, knownFloor } = names;
  const reply = await script.run(
    client,
    [key, floor],
    [group, startId, knownFloor, create ? 1 : 0],
  );
  const [word, position, lastDelivered] = reply as [EnsureGroupReply['word'], string, string];
  return { word, position, lastDelivered };
}
