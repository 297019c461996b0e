/**
 * Lua function `raise(key)`: a token that no owner of the stream had before. By the server's clock, so
 * that it grows even where the key was lost. As text: a number of this size would be written as 1e15.
 */
export const RAISE = `
local function raise(key)
  local time = redis.call('TIME')
  local before = tonumber(redis.call('GET', key) or '0') or 0
  local token = string.format('%.0f', math.max(before + 1, time[1] * 1000000 + time[2]))
  redis.call('SET', key, token)
  return token
end
`;

/** So long after its last owner a token is remembered, should the server's clock be set back, ms. */
export const TOKEN_IS_KNOWN_FOR = 86_400_000;

/**
 * Lua function `mine(input, group, id, consumer)`: `mine`, `lost` where the input is pending to
 * somebody else, `gone` where it is pending to nobody. Needs TRY.
 */
export const MINE = `
local function mine(input, group, id, consumer)
  local row = try('XPENDING', input, group, id, id, 1)
  if row.err or #row == 0 then return 'gone' end
  if row[1][2] == consumer then return 'mine' end
  return 'lost'
end
`;
