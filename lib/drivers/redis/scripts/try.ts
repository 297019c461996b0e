/**
 * Lua function `try(command, …)`: as `redis.pcall`, but what the user may not do ends the script.
 * A script that expects an error of another kind would go on with a wrong idea.
 */
export const TRY = `
local function try(name, sub, ...)
  local reply = redis.pcall(name, sub, ...)
  if type(reply) == 'table' and reply.err and (string.find(reply.err, 'NOPERM', 1, true)
      or string.find(reply.err, 'The user executing the script', 1, true)) then
    if name == 'XGROUP' or name == 'XINFO' then name = name .. '|' .. sub end
    error({ err = "NOPERM no permission to run the '" .. string.lower(name) .. "' command in a script" })
  end
  return reply
end
`;
