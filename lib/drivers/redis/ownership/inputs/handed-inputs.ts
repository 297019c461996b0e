/**
 * An input that its new consumer does not note within this time counts as handed over no more, in
 * milliseconds.
 */
export const HANDED_FOR = 10_000;

/**
 * Lua functions about the hash of inputs that were handed over: `id` to `token ms consumer`.
 * `handed_to(key, consumer)` counts the inputs of one consumer.
 * `may_hand(members, handed, to, said, count)` checks that the consumer has not changed: its
 * announcement is the same, and so is the number of inputs handed to it.
 * `hand(handed, id, token, to)` notes one input. Times are the server's.
 */
export const HANDED = `
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function handed_to(key, consumer)
  local count, all = 0, redis.call('HGETALL', key)
  for i = 2, #all, 2 do
    local at, to = string.match(all[i], '^%S+ (%d+) (.*)$')
    if to == consumer and now_ms() - (tonumber(at) or 0) <= ${HANDED_FOR} then count = count + 1 end
  end
  return count
end
local function may_hand(members, handed, to, said, count)
  local member = redis.call('HGET', members, to)
  if not member or string.match(member, '^%d+ (.*)$') ~= said then return false end
  return handed_to(handed, to) == tonumber(count)
end
local function hand(handed, id, token, to)
  redis.call('HSET', handed, id, token .. ' ' .. string.format('%.0f', now_ms()) .. ' ' .. to)
  redis.call('PEXPIRE', handed, ${HANDED_FOR})
end
`;
