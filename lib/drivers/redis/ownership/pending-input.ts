/**
 * Lua function `refresh(input, group, id, consumer)`: marks an input that is pending to this
 * consumer as handed out just now. Older versions of redis-stream-client-go take any input that has
 * been pending for long, even if its lock is alive. A deleted input is left alone: claiming it
 * would forget it.
 */
export const REFRESH = `
local function refresh(input, group, id, consumer)
  if #redis.call('XRANGE', input, id, id) == 0 then return end
  redis.call('XCLAIM', input, group, consumer, 0, id, 'JUSTID')
end
`;

/** Idle for a day: the next consumer that looks for abandoned inputs takes it at once. */
const ONE_DAY = 86_400_000;

/** Lua passes some thousand values to a command at most: with more an input keeps its count. */
const MOST_FIELDS = 4000;

/**
 * Lua function `give_back(input, group, id, consumer)`: any consumer may take the input at once.
 * Where other programs have counted dead owners of it, it is announced anew without that count:
 * they give a stream up after a few, and this owner lives.
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
