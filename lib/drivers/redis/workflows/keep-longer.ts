/**
 * Lua function `keep(key, ms)`: puts off the expiry of a key that existed before and may have to
 * last longer.
 */
export const KEEP = `
local function keep(key, ms) redis.call('PEXPIRE', key, ms, 'GT') end
`;
