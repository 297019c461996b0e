/** For how long the fields of dead and closed consumers are kept, in milliseconds. */
export const KEPT = 86_400_000;

/**
 * A consumer's field in the hash of a group's consumers: words, then JSON, separated by spaces.
 * State; server time at which the consumer counts as dead unless it refreshes the field; server
 * time since which the announcement stands without a gap (both in milliseconds since the epoch);
 * instance; and process, events and options as JSON.
 */
const FIELD = '^(%l+) (%d+) (%d+) (%S+) (.*)$';

/**
 * Lua: `now`, server time in milliseconds. `announced(value)` returns a table
 * `{ state, till, since, instance, json, alive }`, or nil for a field that is missing or has
 * another form.
 */
export const ANNOUNCED = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function announced(value)
  if not value then return nil end
  local state, till, since, instance, json = string.match(value, '${FIELD}')
  if not state then return nil end
  local alive = state ~= 'closed' and tonumber(till) > now
  return { state = state, till = till, since = since, instance = instance, json = json, alive = alive }
end
`;

/**
 * Lua: `write(key, consumer, state, till, since, instance, json)` sets a field. The hash expires a
 * day after the last of its consumers counts as dead. PEXPIRE comes first: at maxmemory the server
 * refuses only the first write of a script, and only a write that takes memory.
 */
export const WRITE_ANNOUNCEMENT = `
local function write(key, consumer, state, till, since, instance, json)
  local expiry = string.format('%.0f', math.max(till - now, 0) + ${KEPT})
  local field = string.format('%s %.0f %.0f %s %s', state, till, since, instance, json)
  local there = redis.call('PEXPIRE', key, expiry)
  redis.call('HSET', key, consumer, field)
  if there == 0 then redis.call('PEXPIRE', key, expiry) end
end
`;

/**
 * Lua: `matches(pattern, text)`. A \`*\` in the pattern stands for any characters, as in
 * `eventMatcher`.
 */
export const MATCHES = `
local function matches(pattern, text)
  local star = string.find(pattern, '*', 1, true)
  if not star then return pattern == text end
  if string.sub(text, 1, star - 1) ~= string.sub(pattern, 1, star - 1) then return false end
  local at, from = star, star + 1
  while true do
    star = string.find(pattern, '*', from, true)
    local part = string.sub(pattern, from, (star or 0) - 1)
    if not star then return #text - #part + 1 >= at and string.sub(text, #text - #part + 1) == part end
    local found, last = string.find(text, part, at, true)
    if not found then return false end
    at, from = last + 1, star + 1
  end
end
`;
