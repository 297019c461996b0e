/**
 * Lua function `record(row)`: turns the answer of XINFO about one stream, group or consumer into a
 * table by field names.
 */
export const XINFO_RECORD = `
local function record(row)
  local map = {}
  for i = 1, #row, 2 do map[row[i]] = row[i + 1] end
  return map
end
`;
