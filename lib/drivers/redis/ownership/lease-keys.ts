/** A lease's two keys. */
export interface LeaseKeys {
  readonly owner: string;
  readonly fence: string;
}

/** Tokens are remembered for this time after a lease was last extended, in milliseconds: a week. */
export const REMEMBERED = 7 * 86_400_000;

/**
 * Lua function `next_token(fence)`: higher than any token before, also where the key that remembers
 * the last one was lost, as the server's time goes on.
 */
export const NEXT_TOKEN = `
local function next_token(fence)
  local now = redis.call('TIME')
  local last = tonumber(redis.call('GET', fence) or '0') or 0
  return string.format('%.0f', math.max(last + 1, now[1] * 1000000 + now[2]))
end
`;
