/**
 * Lua functions for scripts that continue after an error. Such a script expects one kind of error,
 * and would draw a wrong conclusion from the error of a user that may not run the command.
 * `named(reply, command)` returns that error with the command's name, and any other reply as it is.
 * `try(command, …)` is `redis.pcall`, except that this error ends the script.
 */
export const TRY = `
local function named(reply, name, sub)
  if type(reply) == 'table' and reply.err and (string.find(reply.err, 'NOPERM', 1, true)
      or string.find(reply.err, 'The user executing the script', 1, true)) then
    if name == 'XGROUP' or name == 'XINFO' then name = name .. '|' .. sub end
    local text = "NOPERM no permission to run the '" .. string.lower(name) .. "' command in a script"
    return { err = text }, true
  end
  return reply, false
end
local function try(...)
  local reply, refused = named(redis.pcall(...), ...)
  if refused then error(reply) end
  return reply
end
`;
