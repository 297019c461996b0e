import type { Redis } from 'ioredis';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { Script } from '../scripting/script.js';
import { PACKED_FIELDS } from '../scripting/stored-fields.js';
import { STREAMS_ONLY } from '../scripting/streams-only.js';
import { TRY } from '../scripting/try.js';

/**
 * Ends entries on hold: moves them to the redrive stream of their group, or keeps nothing of them, and
 * acknowledges them. The fields are copied on the server, byte for byte.
 *
 * - KEYS: the stream; the redrive stream; the hash of entries on hold.
 * - ARGV: group; 1 to move them; then for each entry its place and its id, and a JSON text that names
 *   the origin of the message.
 * - Result: the number of entries that were on hold, and had data where they are moved.
 *
 * Where nothing is on hold any more, the hash is deleted, with records of entries that ended otherwise.
 *
 * Why a script: otherwise a process that dies in between would lose the message, or run it twice.
 */
const script = new Script(`${TRY}${STREAMS_ONLY}
local refusal = refuse_others(KEYS[2])
if refusal then return refusal end
local group, moves, ended, moved = ARGV[1], ARGV[2] == '1', 0, 0
local function move(fields, from, origin)
  local add = { 'XADD', KEYS[2], '*', 'redriven', origin }
  if #fields - from > 7000 then
    local packed = {}
    for i = from, #fields do packed[#packed + 1] = fields[i] end
    add[6], add[7] = '${PACKED_FIELDS}', cjson.encode(packed)
  else
    for i = from, #fields do add[#add + 1] = fields[i] end
  end
  redis.call(unpack(add)) -- XADD
end
-- Answers whether nothing is on hold there.
local function leave_no_consumer(key)
  local rows = try('XPENDING', key, group, '-', '+', 1, '${HELD_CONSUMER}')
  if rows.err or #rows > 0 then return #rows == 0 end
  try('XGROUP', 'DELCONSUMER', key, group, '${HELD_CONSUMER}')
  return true
end
for i = 3, #ARGV, 3 do
  local redriven, id = ARGV[i] == 'r:', ARGV[i + 1]
  local key = redriven and KEYS[2] or KEYS[1]
  local row = try('XPENDING', key, group, id, id, 1, '${HELD_CONSUMER}')[1]
  if row then
    local entry = moves and redis.call('XRANGE', key, id, id)[1]
    if entry and redriven then
      move(entry[2], 3, entry[2][2])
    elseif entry then
      move(entry[2], 1, ARGV[i + 2])
    end
    if entry then moved = moved + 1 end
    if entry or not moves then ended = ended + 1 end
    redis.call('XACK', key, group, id)
    if redriven then redis.call('XDEL', key, id) end
  end
  redis.call('HDEL', KEYS[3], ARGV[i] .. id)
end
local none = leave_no_consumer(KEYS[1])
if leave_no_consumer(KEYS[2]) and none then redis.call('DEL', KEYS[3]) end
if moved > 0 then try('XGROUP', 'CREATE', KEYS[2], group, '0') end
return ended
`);

export interface EntryOnHold {
  readonly place: 's:' | 'r:';
  readonly id: string;
  /** JSON of the stream and the id of the first publication. */
  readonly origin: string;
}

/** @param moves whether they go to the redrive stream */
export async function endHold(
  client: Redis,
  keys: readonly [stream: string, redrive: string, hash: string],
  { group, moves }: { readonly group: string; readonly moves: boolean },
  entries: readonly EntryOnHold[],
): Promise<number> {
  const args = entries.flatMap(({ place, id, origin }) => [place, id, origin]);
  return (await script.run(client, keys, [group, moves ? 1 : 0, ...args])) as number;
}
