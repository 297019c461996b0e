import { HANDED } from '../scripting/handed.js';
import { TRY } from '../scripting/try.js';

/**
 * Lua: `mine(key, id)`, the pending record of an entry while it is pending to this consumer;
 * `page(set, most)`, some of this consumer's members, beginning behind `after` where that is given.
 */
export const MINE = `${TRY}${HANDED}
local group, me = ARGV[1], ARGV[2]
local function mine(key, id)
  local rows = try('XPENDING', key, group, id, id, 1, me)
  if rows.err then return nil end
  return rows[1]
end
local function page(set, most, after)
  local from, to = waiting_of(me)
  if after and after ~= '' then from = '(' .. after end
  return redis.call('ZRANGE', set, from, to, 'BYLEX', 'LIMIT', 0, most)
end
`;

/** Maximum of entries in one run of a script. */
export const HANDED_AT_ONCE = 500;

/** A consumer to which entries were handed, and the keys of these entries. */
export interface Handed {
  readonly stream: string;
  readonly redrive: string;
  readonly handed: string;
  readonly group: string;
  readonly consumer: string;
}

export const handedKeysOf = ({ stream, redrive, handed }: Handed): string[] => [
  stream,
  redrive,
  handed,
];
