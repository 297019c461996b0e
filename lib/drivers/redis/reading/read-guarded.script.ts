import { Script } from '../scripting/script.js';
import { XINFO_RECORD } from '../scripting/xinfo-record.js';

/**
 * Reads new entries, at once or not at all. KEYS streams. ARGV group, consumer, most entries of each
 * stream.
 * Answers { what XREADGROUP answers, and the id behind which each stream is new to the group }, in
 * this order, the ids only where there was nothing to read.
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
