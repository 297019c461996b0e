/**
 * Entries that were handed over and not yet fetched are members of a sorted set for each stream and
 * group, all with the score 0. A member is the name of the receiver, a zero byte, `s` for an entry
 * of the stream or `r` for a redriven one, and its id.
 *
 * Lua: `waiting_of(consumer)`, the range of a consumer's members; `member_of(consumer, kind, id)`;
 * `kind_and_id(consumer, member)`.
 */
export const HANDED = `
local function waiting_of(consumer, kind)
  if not kind then return '[' .. consumer .. '\\0', '(' .. consumer .. '\\1' end
  local head = consumer .. '\\0' .. kind
  return '[' .. head, '(' .. head .. '~'
end
local function member_of(consumer, kind, id) return consumer .. '\\0' .. kind .. id end
local function kind_and_id(consumer, member)
  return string.sub(member, #consumer + 2, #consumer + 2), string.sub(member, #consumer + 3)
end
`;

/** Where an entry is read from: `s` for its stream, `r` for its redrive stream. */
export type HandedKind = 's' | 'r';
