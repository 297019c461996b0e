import { NEXT_TOKEN } from '../../stream-leases/lease-keys.js';

/**
 * For how long a token is remembered after its last owner, in case the server's clock is set back,
 * in milliseconds.
 */
export const TOKEN_IS_KNOWN_FOR = 86_400_000;

/**
 * Lua function `raise(key)`: sets a token that no owner of the stream had before, and returns it.
 */
export const RAISE = `${NEXT_TOKEN}
local function raise(key)
  local token = next_token(key)
  redis.call('SET', key, token, 'PX', ${TOKEN_IS_KNOWN_FOR})
  return token
end
`;

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
