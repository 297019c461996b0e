import type { Redis } from 'ioredis';
import type { TrimOrder, Trimmed } from '../../../ports/retention.js';
import { Script } from '../scripting/script.js';
import { DELETED } from '../scripting/group-record.js';
import { ID_ORDER } from '../scripting/id-order.js';
import { TRY } from '../scripting/try.js';
import { XINFO_RECORD } from '../scripting/xinfo-record.js';

/**
 * Deletes one portion of the entries that a stream need not keep, see rule 21 in
 * docs/retention.md: the oldest entries, up to the position from which the group that is
 * furthest behind still needs them. It deletes beyond that position only where loss is allowed,
 * up to the next position of a group. So each group has either read all of the portion or none
 * of it, and the loss can be counted.
 *
 * Whole nodes of the stream are deleted first, which costs next to nothing. The rest of the
 * first node is deleted entry by entry.
 *
 * Entries that were settled behind a pending entry are deleted, too, where the server can tell
 * them (XTRIM ACKED). That option looks at each entry, so it is used only for what the other way
 * cannot reach.
 *
 * - KEYS: the stream; the floors of its groups.
 * - ARGV: policy `settled`, `length` or `age`; its limit: number of entries, or milliseconds;
 *   `loss` or an empty text; maximum of entries to delete; `acked` or an empty text; then the
 *   groups that must exist, unless they were deleted on request.
 * - Result: { deleted, lost, groups that lost, 1 where the server does not know ACKED }.
 *
 * Why a script: otherwise a group that is created, or moved back, between the check and the
 * deletion would lose entries.
 */
const script = new Script(`${TRY}${XINFO_RECORD}${ID_ORDER}
local key, policy, limit, loss, most = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3] == 'loss', tonumber(ARGV[4])
local LAST = '18446744073709551615-18446744073709551615'
local function lower(a, b)
  if less(a, b) then return a end
  return b
end
local function behind(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  if #seq > 15 then return id end
  return ms .. '-' .. string.format('%.0f', tonumber(seq) + 1)
end
local rows = try('XINFO', 'GROUPS', key)
if rows.err then
  if string.sub(rows.err, 1, 9) == 'WRONGTYPE' then return rows end
  return { 0, 0, {}, 0 }
end
local groups, names, safe, read = {}, {}, LAST, LAST
for _, row in ipairs(rows) do
  local g = record(row)
  g.unread = behind(g['last-delivered-id'])
  g.needs = g.unread
  if g.pending > 0 then g.needs = lower(redis.call('XPENDING', key, g.name)[2] or g.unread, g.unread) end
  safe = lower(safe, g.needs)
  read = lower(read, g.unread)
  groups[#groups + 1] = g
  names[g.name] = true
end
for i = 6, #ARGV do
  if not names[ARGV[i]] and try('HGET', KEYS[2], ARGV[i]) ~= '${DELETED}' then return { 0, 0, {}, 0 } end
end
if #groups == 0 then return { 0, 0, {}, 0 } end
local target = LAST
if policy == 'length' then most = math.min(most, redis.call('XLEN', key) - limit) end
if policy == 'age' then
  local now = redis.call('TIME')
  target = string.format('%.0f-0', math.max(0, now[1] * 1000 + math.floor(now[2] / 1000) - limit))
end
if most <= 0 then return { 0, 0, {}, 0 } end
local function trim(id)
  local deleted = redis.call('XTRIM', key, 'MINID', '~', id, 'LIMIT', most)
  if deleted > 0 or id == '0-0' then return deleted end
  local entries = redis.call('XRANGE', key, '-', '(' .. id, 'COUNT', math.min(most, 1000) + 1)
  if #entries == 0 then return 0 end
  if #entries > math.min(most, 1000) then id = entries[#entries][1] end
  return redis.call('XTRIM', key, 'MINID', '=', id)
end
local deleted, unknown = trim(lower(safe, target)), 0
local reached = lower(read, target)
if deleted == 0 and ARGV[5] == 'acked' and less(safe, reached) then
  local reply = try('XTRIM', key, 'MINID', '~', reached, 'LIMIT', most, 'ACKED')
  if type(reply) == 'number' then deleted = reply else unknown = 1 end
end
if deleted > 0 or not loss then return { deleted, 0, {}, unknown } end
local oldest = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
if not oldest or not less(oldest[1], target) then return { 0, 0, {}, 0 } end
for _, g in ipairs(groups) do
  if less(oldest[1], g.unread) then target = lower(target, g.unread) end
end
most = math.min(most, 1000)
deleted = trim(target)
if deleted == 0 then return { 0, 0, {}, 0 } end
local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
local stop = target
if first then stop = lower(first[1], target) end
local lost, losers, unsettled, all = 0, {}, {}, false
for _, g in ipairs(groups) do
  local lacks = not less(oldest[1], g.unread)
  if lacks then all = true end
  if not lacks and g.pending > 0 then
    for _, row in ipairs(redis.call('XPENDING', key, g.name, oldest[1], '(' .. stop, deleted)) do
      lacks = true
      if not unsettled[row[1]] then lost = lost + 1 end
      unsettled[row[1]] = true
    end
  end
  if lacks then losers[#losers + 1] = g.name end
end
if all then lost = deleted end
return { deleted, math.min(lost, deleted), losers, unknown }
`);

/** Maximum of entries in one run of the script: about a millisecond of the server's time. */
const PORTION = 10_000;

export interface TrimReply extends Trimmed {
  /** The server does not know the option ACKED. */
  readonly ackedUnknown: boolean;
}

export async function trim(
  client: Redis,
  { key, floor }: { readonly key: string; readonly floor: string },
  { policy, groups, acked }: TrimOrder & { readonly acked: boolean },
): Promise<TrimReply> {
  const args = [...limitOf(policy), PORTION, acked ? 'acked' : '', ...groups];
  const reply = await script.run(client, [key, floor], args);
  const [count, lost, losers, unknown] = reply as [number, number, string[], number];
  return { count, lost, groups: losers, more: count > 0, ackedUnknown: unknown === 1 };
}

function limitOf(policy: TrimOrder['policy']): [policy: string, limit: number, loss: string] {
  if (policy === 'deleteWhenSettled') return ['settled', 0, ''];
  const loss = policy.allowLoss ? 'loss' : '';
  return 'maxLength' in policy ? ['length', policy.maxLength, loss] : ['age', policy.maxAge, loss];
}
