import { XINFO_RECORD } from './xinfo-record.js';

/**
 * Stands in place of a floor: the group was deleted on request, and consumers do not create it
 * again.
 */
export const DELETED = 'deleted';

/**
 * Lua functions about groups, and `record`. `group_of(key, name)`: the record of a group; nil where
 * the stream or the group is missing. `stream_of(key)`: the record of a stream that exists.
 * `floor_of(key, group, stream)`: the position at which this group could be created again, see
 * ensure-group.
 */
export const GROUP_RECORD = `${XINFO_RECORD}
local function group_of(key, name)
  if redis.call('EXISTS', key) == 0 then return nil end
  local groups = redis.call('XINFO', 'GROUPS', key)
  for _, row in ipairs(groups) do
    local group = record(row)
    if group.name == name then return group end
  end
end
local function stream_of(key)
  local row = redis.call('XINFO', 'STREAM', key)
  return record(row)
end
local function floor_of(key, group, stream)
  local oldest
  if group.pending > 0 then
    oldest = redis.call('XPENDING', key, group.name, '-', '+', 1)[1]
  end
  return (oldest and oldest[1] or '-') .. ' ' .. group['last-delivered-id'] .. ' '
    .. stream['entries-added'] .. ' ' .. (group['entries-read'] or '-')
end
`;
