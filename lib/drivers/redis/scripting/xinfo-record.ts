/** A Lua function `record(row)`: what XINFO answers of one stream, group or consumer, by the names of its fields. */
export const XINFO_RECORD = `
local function record(row)
  local map = {}
  for i = 1, #row, 2 do map[row[i]] = row[i + 1] end
  return map
end
`;
