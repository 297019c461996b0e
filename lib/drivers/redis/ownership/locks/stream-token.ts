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
