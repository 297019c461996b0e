/** Lua `keep(key, ms)` of a key that was there before, and may have to last longer. */
export const KEEP = `
local function keep(key, ms) redis.call('PEXPIRE', key, ms, 'GT') end
`;
