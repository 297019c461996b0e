/**
 * Lua function `less(a, b)`: compares ids as texts, since their numbers may be too large for Lua.
 */
export const ID_ORDER = `
local function less(a, b)
  local am, as = string.match(a, '^(%d+)-(%d+)$')
  local bm, bs = string.match(b, '^(%d+)-(%d+)$')
  if am == bm then am, bm = as, bs end
  if #am ~= #bm then return #am < #bm end
  return am < bm
end
`;
