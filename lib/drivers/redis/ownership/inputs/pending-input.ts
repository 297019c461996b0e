/**
 * Lua function `mine(input, group, id, consumer)`: returns `mine` and the idle time in
 * milliseconds, `lost` where the input is pending to another consumer, or `gone` where it is not
 * pending. Needs TRY.
 */
export const MINE = `
local function mine(input, group, id, consumer)
  local row = try('XPENDING', input, group, id, id, 1)
  if row.err or #row == 0 then return 'gone' end
  if row[1][2] == consumer then return 'mine', row[1][3] end
  return 'lost'
end
`;

/**
 * Lua function `refresh(input, group, id, consumer)`: sets the idle time of an input that is
 * pending to this consumer to zero. Older versions of redis-stream-client-go take any input that
 * was pending for long, even while its lock lives. A deleted input is left alone: claiming it would
 * remove it from the pending list.
 */
export const REFRESH = `
local function refresh(input, group, id, consumer)
  if #redis.call('XRANGE', input, id, id) == 0 then return end
  redis.call('XCLAIM', input, group, consumer, 0, id, 'JUSTID')
end
`;

/** Idle for a day: a consumer that looks for abandoned inputs takes the input at once. */
const ONE_DAY = 86_400_000;

/**
 * Lua passes a few thousand values to a command at most. An input with more values keeps its count.
 */
const MOST_FIELDS = 4000;

/**
 * Lua function `give_back(input, group, id, consumer)`: lets any consumer take the input at once.
 * Other programs count the owners that died, and give a stream up after a few. This owner lives, so
 * an input with such a count is announced anew without it.
 */
export const GIVE_BACK = `
local function give_back(input, group, id, consumer)
  local entry = redis.call('XRANGE', input, id, id)[1]
  local fields, counted = {}, false
  for i = 1, entry and #entry[2] or 0, 2 do
    if entry[2][i] == '_retry_count' then
      counted = true
    else
      fields[#fields + 1] = entry[2][i]
      fields[#fields + 1] = entry[2][i + 1]
    end
  end
  if not counted or #fields == 0 or #fields > ${MOST_FIELDS} then
    redis.call('XCLAIM', input, group, consumer, 0, id, 'IDLE', ${ONE_DAY}, 'JUSTID')
    return
  end
  redis.call('XADD', input, '*', unpack(fields))
  redis.call('XACK', input, group, id)
  redis.call('XDEL', input, id)
end
`;
