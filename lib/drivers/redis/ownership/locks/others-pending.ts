import { HELD_CONSUMER } from '../../../../ports/held-entries.js';

/**
 * Lua function `others_have(stream, group, me)`: whether entries of the group are pending to
 * consumers other than this one. Entries on hold do not count: no consumer runs them. Needs TRY.
 */
export const OTHERS_HAVE = `
local function others_have(stream, group, me)
  local summary = try('XPENDING', stream, group)
  if summary.err then return false end
  for _, row in ipairs(summary[4] or {}) do
    if row[1] ~= me and row[1] ~= '${HELD_CONSUMER}' then return true end
  end
  return false
end
`;
