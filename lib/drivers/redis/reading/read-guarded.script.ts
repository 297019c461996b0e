import { Script } from '../scripting/script.js';
import { XINFO_RECORD } from '../scripting/xinfo-record.js';

/**
 * Reads new entries, at once or not at all, while the guards hold.
 *
 * - KEYS: the streams.
 * - ARGV: group; consumer; maximum of entries of each stream.
 * - Result: { reply of XREADGROUP }; where there was nothing to read { false, the id behind
 *   which each stream is new to the group, in the order of the streams }.
 *
 * Why a script: otherwise a guard could fail between the check and the read, and the entries
 * would be pending to a consumer that may not run them.
 */
export const readGuarded = new Script(`${XINFO_RECORD}
local group = ARGV[1]
local read = { 'XREADGROUP', 'GROUP', group, ARGV[2], 'COUNT', ARGV[3], 'STREAMS' }
for _, key in ipairs(KEYS) do read[#read + 1] = key end
for _ = 1, #KEYS do read[#read + 1] = '>' end
local found = redis.call(unpack(read)) -- XREADGROUP
if found then return { found } end
local ids = {}
for i, key in ipairs(KEYS) do
  for _, row in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local info = record(row)
    if info.name == group then ids[i] = info['last-delivered-id'] end
  end
end
return { false, ids }
`);
