import { HELD_CONSUMER } from '../../../ports/held-entries.js';

/**
 * Lua functions for pages of pending entries that may leave out entries on hold.
 *
 * - `pending_counts(key, group)`: how many entries each consumer of the group has pending, by name.
 * - `pending_page(key, group, counts, start, most, idle)`: pending entries from `start` on, oldest
 *   first, `most` at most, as XPENDING returns them. Where more than a page of entries is on hold,
 *   these are left out: consumer by consumer is read then, so that the cost does not grow with what
 *   is on hold. Otherwise the caller skips them. `idle` nil: however fresh they are.
 *
 * Needs ID_ORDER.
 */
export const PENDING_BUT_HELD = `
local function pending_counts(key, group)
  local counts = {}
  local summary = redis.call('XPENDING', key, group)
  for _, row in ipairs(summary[4] or {}) do counts[row[1]] = tonumber(row[2]) end
  return counts
end
local function pending_page(key, group, counts, start, most, idle)
  local function page(consumer)
    local ask = { 'XPENDING', key, group }
    if idle then ask[4], ask[5] = 'IDLE', idle end
    for _, value in ipairs({ start, '+', most, consumer }) do ask[#ask + 1] = value end
    return redis.call(unpack(ask)) -- XPENDING
  end
  if (counts['${HELD_CONSUMER}'] or 0) <= most then return page() end
  local all, rows = {}, {}
  for name, count in pairs(counts) do
    if count > 0 and name ~= '${HELD_CONSUMER}' then
      for _, row in ipairs(page(name)) do all[#all + 1] = row end
    end
  end
  table.sort(all, function(a, b) return less(a[1], b[1]) end)
  for i = 1, math.min(#all, most) do rows[i] = all[i] end
  return rows
end
`;
