import type { Guard } from '../../../core/guard.js';
import { TRY } from './try.js';

/**
 * Lua function `fence(key, group, consumer, id, count)`. It begins each script that may act only
 * for the run that owns the entry. Returns `held`, `lost` where another run owns the entry, or
 * `gone` where the entry is not pending (it was settled before, or the group is gone).
 */
export const FENCE = `${TRY}
local function fence(key, group, consumer, id, count)
  local row = try('XPENDING', key, group, id, id, 1)
  if row.err or #row == 0 then return 'gone' end
  if row[1][2] == consumer and row[1][4] == tonumber(count) then return 'held' end
  return 'lost'
end
`;

/**
 * Lua function `forget(key, group, ids, redriven)`: acknowledges entries; the list may be empty.
 * Redriven entries (`'1'`) are deleted too, and their key with the last of them: only this group
 * reads it.
 */
export const FORGET = `
local function forget(key, group, ids, redriven)
  if #ids == 0 then return end
  redis.call('XACK', key, group, unpack(ids))
  if redriven ~= '1' then return end
  redis.call('XDEL', key, unpack(ids))
  if redis.call('XLEN', key) == 0 then
    redis.call('DEL', key)
  end
end
`;

/** Identifies a run to {@link FENCE}. */
export interface Fenced {
  readonly key: string;
  readonly group: string;
  readonly consumer: string;
  readonly id: string;
  /** Delivery count of the run. */
  readonly count: number;
  /** Further conditions under which the script may act. */
  readonly guards?: readonly Guard[] | undefined;
}
