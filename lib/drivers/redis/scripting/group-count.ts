import { ID_ORDER } from './id-order.js';

/**
 * Lua functions about the server's count of the entries that a group has read. A server before 7.2
 * does not log that count with the group's position. After a crash or a failover the position is
 * right, but the count, and the lag with it, stays outdated. `count_of(group, stream, floor)`: the
 * count, or false where the server does not know it, or where it contradicts the floor that was
 * noted before (see ensure-group). `recount(key, group, count)`: makes the server take this count.
 * Where the count is false, the server knows it again once the group has read everything.
 */
export const GROUP_COUNT = `${ID_ORDER}
local function contradicts(read, last, stream, floor)
  if type(floor) ~= 'string' then return false end
  local last_then, added_then, read_then = string.match(floor, '^%S+ (%S+) (%d+) (%d+)$')
  if not last_then or stream['entries-added'] < tonumber(added_then) then return false end
  read_then = tonumber(read_then)
  if last == last_then then return read < read_then end
  if less(last, last_then) then return read >= read_then end
  return read <= read_then
end
local function count_of(group, stream, floor)
  local read, last = group['entries-read'], group['last-delivered-id']
  if not read then return false end
  if last == stream['last-generated-id'] then return stream['entries-added'] end
  return not contradicts(read, last, stream, floor) and read
end
local function recount(key, group, count)
  local command = { 'XGROUP', 'SETID', key, group.name, group['last-delivered-id'] }
  if count then command[6], command[7] = 'ENTRIESREAD', count end
  -- A user without this right keeps the wrong count.
  local reply = redis.pcall(unpack(command))
  if not reply.err then group['entries-read'] = count end
end
`;
