import type { Redis } from 'ioredis';
import { Script } from '../script.js';
import { GROUP_RECORD } from './group-record.js';
import { TRY } from './try.js';

/**
 * The periodic look at many streams of one group, in one command: takes over abandoned entries
 * without charging a run, removes consumers that are gone and hold nothing, notes the floor (see
 * ensure-group), and sees what is redriven and what is pending to us.
 *
 * KEYS per stream: stream, floors (or the stream again: none), redrive stream. ARGV group, consumer, idle ms of an abandoned entry,
 * most entries to take, idle ms of a consumer that is gone.
 * Answers per stream { word, floor, own pending, redriven, trimmed, taken ids and counts, consumers
 * removed }, word: `ok` | `missing` | `unreadable`.
 */
const script = new Script(`${TRY}${GROUP_RECORD}
local group, me, idle, room, absent = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local function take(key)
  local taken, trimmed, start = {}, 0, '-'
  while #taken / 2 < room do
    local most = room - #taken / 2 + 50
    local rows = redis.call('XPENDING', key, group, 'IDLE', idle, start, '+', most)
    local claim, counts = { 'XCLAIM', key, group, me, idle }, {}
    for _, row in ipairs(rows) do
      if row[2] ~= me and #claim - 5 + #taken / 2 < room then
        claim[#claim + 1] = row[1]
        counts[row[1]] = row[4]
      end
    end
    if #claim > 5 then
      trimmed = trimmed + #claim - 5
      claim[#claim + 1] = 'JUSTID'
      local claimed = redis.call(unpack(claim)) -- XCLAIM
      for _, id in ipairs(claimed) do
        taken[#taken + 1] = id
        taken[#taken + 1] = counts[id]
        trimmed = trimmed - 1
      end
    end
    if #rows < most then break end
    start = '(' .. rows[#rows][1]
  end
  room = room - #taken / 2
  return taken, trimmed
end
local function consumers(key)
  local own, removed = 0, {}
  for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', key, group)) do
    local c = record(row)
    if c.name == me then
      own = c.pending
    elseif c.pending == 0 and c.idle > absent then
      redis.call('XGROUP', 'DELCONSUMER', key, group, c.name)
      removed[#removed + 1] = c.name
    end
  end
  return own, removed
end
local out = {}
for i = 1, #KEYS, 3 do
  local key = KEYS[i]
  local groups = try('XINFO', 'GROUPS', key)
  local mine
  if not groups.err then
    for _, row in ipairs(groups) do
      local g = record(row)
      if g.name == group then mine = g end
    end
  end
  if mine then
    local taken, trimmed = {}, 0
    if mine.pending > 0 then taken, trimmed = take(key) end
    local own, removed = consumers(key)
    local floor = floor_of(key, mine)
    if KEYS[i + 1] ~= key and try('HGET', KEYS[i + 1], group) ~= floor then
      try('HSET', KEYS[i + 1], group, floor)
    end
    out[#out + 1] = { 'ok', floor, own, redis.call('EXISTS', KEYS[i + 2]), trimmed, taken, removed }
  elseif groups.err and string.sub(groups.err, 1, 9) == 'WRONGTYPE' then
    out[#out + 1] = { 'unreadable', '', 0, 0, 0, {}, {} }
  else
    out[#out + 1] = { 'missing', '', 0, redis.call('EXISTS', KEYS[i + 2]), 0, {}, {} }
  end
end
return out
`);

/** Most streams in one run of the script. */
export const LOOK_AT_ONCE = 100;

export interface Looked {
  readonly word: 'ok' | 'missing' | 'unreadable';
  readonly floor: string;
  /** Entries pending to this consumer. */
  readonly own: number;
  readonly redriven: boolean;
  /** Pending entries dropped because their data had been deleted. */
  readonly trimmed: number;
  readonly taken: readonly { readonly id: string; readonly count: number }[];
  readonly removed: readonly string[];
}

export interface LookAfter {
  readonly group: string;
  readonly consumer: string;
  readonly idleTimeout: number;
  readonly room: number;
  readonly absentAfter: number;
  readonly streams: readonly { key: string; floor: string; redrive: string }[];
}

type Row = [Looked['word'], string, number, number, number, (string | number)[], string[]];

export async function lookAfter(client: Redis, look: LookAfter): Promise<Looked[]> {
  const { group, consumer, idleTimeout, room, absentAfter } = look;
  const rows = (await script.run(
    client,
    look.streams.flatMap(({ key, floor, redrive }) => [key, floor, redrive]),
    [group, consumer, idleTimeout, room, absentAfter],
  )) as Row[];
  return rows.map(([word, floor, own, redriven, trimmed, taken, removed]) => ({
    word,
    floor,
    own,
    redriven: redriven === 1,
    trimmed,
    taken: pairs(taken),
    removed,
  }));
}

function pairs(flat: readonly (string | number)[]): { id: string; count: number }[] {
  const found: { id: string; count: number }[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    found.push({ id: String(flat[index]), count: Number(flat[index + 1]) });
  }
  return found;
}
