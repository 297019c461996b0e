/** The two keys of a lease. */
export interface LeaseKeys {
  readonly owner: string;
  readonly fence: string;
}

/**
 * For how long a token is remembered after the lease was last extended, in milliseconds: a week.
 */
export const REMEMBERED = 7 * 86_400_000;

/**
 * Lua function `next_token(fence)`: returns a token higher than any token before. The server's time
 * makes that true also where the key with the last token was lost.
 */
export const NEXT_TOKEN = `
local function next_token(fence)
  local now = redis.call('TIME')
  local last = tonumber(redis.call('GET', fence) or '0') or 0
  return string.format('%.0f', math.max(last + 1, now[1] * 1000000 + now[2]))
end
`;
