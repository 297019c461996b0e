/** Lua function `refuse_others(key)`: an error reply where a key exists and is no stream. */
export const STREAMS_ONLY = `
local function refuse_others(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'stream' and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE key ' .. key .. ' holds a ' .. kind .. ', not a stream')
  end
end
`;
