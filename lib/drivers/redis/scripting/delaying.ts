import type { When } from '../../../core/message.js';

/** The keys of one stream's delayed messages. */
export interface DelayKeys {
  /** Sorted set of names by due time. */
  readonly delayed: string;
  /** Hash of the packed entries by name, and the last name given. */
  readonly entries: string;
  /** The stream to which they are published. */
  readonly stream: string;
}

/** Messages due later than this are found by looks, in milliseconds. */
const LOOKS_FIND = 1500;

/** Names have 16 digits, so no message has the name of this field. */
const LAST = 'last';

/**
 * Lua functions for scripts that write delayed messages. `wrong_type(key, want)`: an error reply
 * where the key holds another type. `refuse_delays(delayed, entries, stream)`: the same for these
 * three keys. `due_at(how, ms)`: a server time in milliseconds, where `how` is `in` or `at`.
 * `wake(delayed, name, due, now)`: notifies listening schedulers, on a channel with the set's name,
 * where this message is due before all others and before their next look.
 * `delay(delayed, entries, due, first, last)`: stores an entry made of these ARGV and returns its
 * name. A name is the time of storing in microseconds, or the last name plus one. Names rise, so that
 * entries of the same due time keep their order.
 */
export const DELAYING = `
local function wrong_type(key, want)
  local kind = redis.call('TYPE', key).ok
  if kind ~= want and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE key ' .. key .. ' holds a ' .. kind .. ', not a ' .. want)
  end
end
local function refuse_delays(delayed, entries, stream)
  return wrong_type(delayed, 'zset') or wrong_type(entries, 'hash') or wrong_type(stream, 'stream')
end
local function server_time()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function due_at(how, ms)
  if how == 'at' then return tonumber(ms) end
  return math.floor(server_time() / 1000) + tonumber(ms)
end
local function wake(delayed, name, due, now)
  if due > now / 1000 + ${LOOKS_FIND} then return end
  if redis.call('ZRANGE', delayed, 0, 0)[1] == name then redis.pcall('PUBLISH', delayed, '') end
end
local function delay(delayed, entries, due, first, last)
  local now = server_time()
  local name = now
  local before = tonumber(redis.call('HGET', entries, '${LAST}') or 0)
  if before >= name then name = before + 1 end
  name = string.format('%016.0f', name)
  local packed = cmsgpack.pack({ unpack(ARGV, first, last) })
  redis.call('HSET', entries, '${LAST}', name, name, packed)
  redis.call('ZADD', delayed, string.format('%.0f', due), name)
  wake(delayed, name, due, now)
  return name
end
`;

/**
 * Lua `now`, in milliseconds, and `next_in(delayed)`: milliseconds until the next message is due, 0
 * where one is due, -1 where none waits; or nil and an error. Put it behind {@link DELAYING}.
 */
export const NEXT_IN = `
local now = math.floor(server_time() / 1000)
local function next_in(delayed)
  local head = try('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if head.err then return nil, wrong_type(delayed, 'zset') or head end
  if #head == 0 then return -1 end
  return math.max(0, math.ceil(tonumber(head[2]) - now))
end
`;

/** Maximum of names and values of one entry: a script can pass no more to one command. */
export const MOST_ELEMENTS = 7000;

/** The arguments that {@link DELAYING} takes. */
export const whenArguments = (when: When): [how: 'in' | 'at', ms: number] =>
  'in' in when ? ['in', when.in] : ['at', when.at];
