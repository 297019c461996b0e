import type { Redis } from 'ioredis';
import type { Guard } from '../../../core/guard.js';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { Script } from '../scripting/script.js';
import { ANNOUNCED } from '../scripting/announcement.js';
import { GROUP_COUNT } from '../scripting/group-count.js';
import { GROUP_RECORD } from '../scripting/group-record.js';
import { HANDED } from '../scripting/handed.js';
import { PENDING_BUT_HELD } from '../scripting/pending-but-held.js';
import { TRY } from '../scripting/try.js';
import { reclaimedOf, type Reclaimed, type ReclaimedRow } from './reclaimed.js';

/** Somewhat less than the day that a release adds, in milliseconds. */
const RELEASED = 86_000_000;

/**
 * The periodic look at many streams of one group. Takes over abandoned entries without counting
 * a run, removes consumers that are gone and hold nothing, corrects the server's count of what
 * the group has read, and notes the floor (see ensure-group). Finds what is redriven, what is
 * pending to this consumer, and what was handed to it. An entry that was handed over and waits
 * for a live consumer is not abandoned, and neither is an entry on hold.
 *
 * - KEYS: for each stream: the stream; the floors (or the stream again, where it has none); the
 *   redrive stream (or the stream again, where it is one itself); the hash of consumers; the
 *   handed entries.
 * - ARGV: group; consumer; idle time of an abandoned entry; maximum of entries to take; idle
 *   time of a consumer that is gone; idle time of a consumer that has crashed if it holds
 *   entries. Idle times are in milliseconds.
 * - Result: for each stream { word, floor, number of own pending entries, redriven entries,
 *   trimmed entries, taken ids and counts, consumers removed, former consumers of the taken
 *   entries and their numbers, silent consumers with their idle time in milliseconds and the
 *   entries that they hold, handed entries of the stream and redriven ones that wait for this
 *   consumer }. Words: `ok`, `missing`, `unreadable`.
 *
 * Why a script: otherwise an entry could be settled, or handed to a live consumer, between the
 * look and the claim. One command also serves all streams.
 */
const script =
  new Script(`${TRY}${GROUP_RECORD}${GROUP_COUNT}${ANNOUNCED}${HANDED}${PENDING_BUT_HELD}
local group, me, idle, capacity, absent = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local crashed = tonumber(ARGV[6])
-- An entry that was given back is idle for a day longer than its consumer.
local function released(row, consumer_idle) return row[3] - (consumer_idle or 0) > ${RELEASED} end
-- Whether a pending entry waits for a live consumer that it was handed to.
local function waits_at(i, kind)
  local live = {}
  return function(row)
    local name = row[2]
    if not redis.call('ZSCORE', KEYS[i + 4], member_of(name, kind, row[1])) then return false end
    if live[name] == nil then
      local one = announced(redis.call('HGET', KEYS[i + 3], name))
      live[name] = one ~= nil and one.alive and one.state == 'live'
    end
    return live[name]
  end
end
local function take(i, idle_of, counts, kind)
  local key = KEYS[i]
  local waits = kind and waits_at(i, kind)
  local taken, trimmed, start, from = {}, 0, '-', {}
  while #taken / 2 < capacity do
    local most = capacity - #taken / 2 + 50
    local rows = pending_page(key, group, counts, start, most, idle)
    local claim, runs = { 'XCLAIM', key, group, me, idle }, {}
    for _, row in ipairs(rows) do
      if row[2] ~= me and row[2] ~= '${HELD_CONSUMER}' and #claim - 5 + #taken / 2 < capacity and not (waits and waits(row)) then
        if waits then redis.call('ZREM', KEYS[i + 4], member_of(row[2], kind, row[1])) end
        claim[#claim + 1] = row[1]
        runs[row[1]] = row[4]
        if not released(row, idle_of[row[2]]) then from[row[2]] = (from[row[2]] or 0) + 1 end
      end
    end
    if #claim > 5 then
      trimmed = trimmed + #claim - 5
      claim[#claim + 1] = 'JUSTID'
      local claimed = redis.call(unpack(claim)) -- XCLAIM
      for _, id in ipairs(claimed) do
        taken[#taken + 1] = id
        taken[#taken + 1] = runs[id]
        trimmed = trimmed - 1
      end
    end
    if #rows < most then break end
    start = '(' .. rows[#rows][1]
  end
  capacity = capacity - #taken / 2
  return taken, trimmed, from
end
local function holds(key, c)
  if c.pending == 0 then return 0 end
  local rows, held = redis.call('XPENDING', key, group, '-', '+', 100, c.name), 0
  for _, row in ipairs(rows) do
    if not released(row, c.idle) then held = held + 1 end
  end
  if held == #rows then return c.pending end
  return held
end
local function consumers(key)
  local own, removed, silent, idle_of, counts = 0, {}, {}, {}, {}
  for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', key, group)) do
    local c = record(row)
    idle_of[c.name] = c.idle
    counts[c.name] = c.name ~= me and c.pending or nil
    if c.name == me then
      own = c.pending
    elseif c.pending == 0 and c.idle > absent then
      redis.call('XGROUP', 'DELCONSUMER', key, group, c.name)
      removed[#removed + 1] = c.name
    elseif c.idle > crashed and c.name ~= '${HELD_CONSUMER}' then
      silent[#silent + 1] = c.name
      silent[#silent + 1] = c.idle
      silent[#silent + 1] = holds(key, c)
    end
  end
  return own, removed, silent, idle_of, counts
end
-- Behind it nothing was ever delivered: a read that finds, and counts, nothing. Behind the very last
-- id there is, Redis would begin anew.
local LAST_ID = '18446744073709551615-0'
local out = {}
for i = 1, #KEYS, 5 do
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
    -- A sign of life: before 7.2 a waiting read is none, and a consumer that keeps entries may get no others.
    redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', 1, 'STREAMS', key, LAST_ID)
    local own, removed, silent, idle_of, counts = consumers(key)
    local taken, trimmed, from = {}, 0, {}
    local kind, stream_waits, redriven_waits = nil, 0, 0
    if redis.call('EXISTS', KEYS[i + 4]) == 1 then
      kind = key == KEYS[i + 2] and 'r' or 's'
      stream_waits = redis.call('ZLEXCOUNT', KEYS[i + 4], waiting_of(me, 's'))
      redriven_waits = redis.call('ZLEXCOUNT', KEYS[i + 4], waiting_of(me, 'r'))
    end
    if mine.pending > 0 then taken, trimmed, from = take(i, idle_of, counts, kind) end
    own = own + #taken / 2
    local lost = {}
    for name, count in pairs(from) do
      lost[#lost + 1] = name
      lost[#lost + 1] = count
    end
    local stream = stream_of(key)
    local noted = KEYS[i + 1] ~= key and try('HGET', KEYS[i + 1], group)
    local read, count = mine['entries-read'], count_of(mine, stream, noted)
    if read and count ~= read then recount(key, mine, count) end
    local floor = floor_of(key, mine, stream)
    if KEYS[i + 1] ~= key and noted ~= floor then
      try('HSET', KEYS[i + 1], group, floor)
    end
    local redriven = redis.call('EXISTS', KEYS[i + 2])
    out[#out + 1] = { 'ok', floor, own, redriven, trimmed, taken, removed, lost, silent, stream_waits, redriven_waits }
  elseif groups.err and string.sub(groups.err, 1, 9) == 'WRONGTYPE' then
    out[#out + 1] = { 'unreadable', '', 0, 0, 0, {}, {}, {}, {}, 0, 0 }
  else
    out[#out + 1] = { 'missing', '', 0, redis.call('EXISTS', KEYS[i + 2]), 0, {}, {}, {}, {}, 0, 0 }
  end
end
return out
`);

/** Most streams in one run of the script. */
export const LOOK_AT_ONCE = 100;

/** The keys of one stream. */
export interface ReclaimedKeys {
  readonly key: string;
  readonly floor: string;
  readonly redrive: string;
  readonly consumers: string;
  readonly handed: string;
}

export interface ReclaimOrder {
  readonly group: string;
  readonly consumer: string;
  readonly idleTimeout: number;
  readonly capacity: number;
  readonly absentAfter: number;
  readonly crashedAfter: number;
  readonly streams: readonly ReclaimedKeys[];
  readonly guards?: readonly Guard[] | undefined;
}

/** @returns undefined where a guard does not hold */
export async function reclaim(client: Redis, look: ReclaimOrder): Promise<Reclaimed[] | undefined> {
  const { group, consumer, idleTimeout, capacity, absentAfter, crashedAfter, guards } = look;
  const rows = (await script.run(
    client,
    look.streams.flatMap(({ key, floor, redrive, consumers, handed }) => [
      ...[key, floor, redrive, consumers, handed],
    ]),
    [group, consumer, idleTimeout, capacity, absentAfter, crashedAfter],
    guards,
  )) as ReclaimedRow[] | null;
  return rows?.map(reclaimedOf);
}
