import { Script } from '../script.js';

/**
 * Reads new entries, at once or not at all. KEYS streams. ARGV group, consumer, most entries of each
 * stream.
 * Answers { what XREADGROUP answers, and the id behind which each stream is new to the group }, in
 * this order, the ids only where there was nothing to read.
 */
export const readGuarded = new Script(`
local group = ARGV[1]
local read = { 'XREADGROUP', 'GROUP', group, ARGV[2], 'COUNT', ARGV[3], 'STREAMS' }
for _, key in ipairs(KEYS) do read[#read + 1] = key end
for _ = 1, #KEYS do read[#read + 1] = '>' end
local found = redis.call(unpack(read)) -- XREADGROUP
if found then return { found } end
local ids = {}
for i, key in ipairs(KEYS) do
  for _, row in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local map = {}
    for j = 1, #row, 2 do map[row[j]] = row[j + 1] end
    if map.name == group then ids[i] = map['last-delivered-id'] end
  end
end
return { false, ids }
`);
