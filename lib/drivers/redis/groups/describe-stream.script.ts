import type { Redis } from 'ioredis';
import { ageOf } from '../../entry-ids/entry-id.js';
import { furthestBehind } from '../../entry-ids/group-position.js';
import type { GroupReport, StreamReport } from '../../../ports/group-admin.js';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { Script } from '../scripting/script.js';
import { GROUP_COUNT } from '../scripting/group-count.js';
import { GROUP_RECORD } from '../scripting/group-record.js';
import { TRY } from '../scripting/try.js';

/**
 * Describes a stream and its groups, without their entries. Leaves out the lag that the server
 * reports where another lag is certain, or where the count of the server is outdated.
 *
 * - KEYS: the stream; the floors of its groups.
 * - ARGV: none.
 * - Result: { length, entries added, last id, first id, server time in milliseconds, groups },
 *   each group as { name, consumers, pending, last delivered id, entries read, lag, oldest
 *   pending id, oldest undelivered id, 1 where the oldest pending entry is on hold }. A value is nil where the server does not know it, or
 *   where there is none. The whole is nil where there is no stream.
 *
 * Why a script: the numbers belong to the same moment, so that lag and pending entries fit
 * together.
 */
const script = new Script(`${TRY}${GROUP_RECORD}${GROUP_COUNT}
local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then return false end
local stream = stream_of(key)
local first, groups = stream['first-entry'], {}
local function lag_of(group, following, count)
  if not following then return 0 end
  if following[1] == first[1] then return stream.length end
  if count ~= group['entries-read'] and group['entries-read'] then return false end
  return group.lag and group.lag < stream.length and group.lag
end
for _, row in ipairs(redis.call('XINFO', 'GROUPS', key)) do
  local group = record(row)
  local oldest, following, consumers = false, false, group.consumers
  if group.pending > 0 then
    oldest = redis.call('XPENDING', key, group.name, '-', '+', 1)[1]
    local held = redis.call('XPENDING', key, group.name, '-', '+', 1, '${HELD_CONSUMER}')
    if #held > 0 then consumers = consumers - 1 end
  end
  if group['last-delivered-id'] ~= stream['last-generated-id'] then
    -- No id follows the greatest one, so there is nothing to ask for.
    following = try('XRANGE', key, '(' .. group['last-delivered-id'], '+', 'COUNT', 1)[1]
  end
  local count = count_of(group, stream, redis.pcall('HGET', KEYS[2], group.name))
  groups[#groups + 1] = {
    group.name, consumers, group.pending, group['last-delivered-id'],
    count, lag_of(group, following, count),
    oldest and oldest[1] or false, following and following[1] or false,
    oldest and oldest[2] == '${HELD_CONSUMER}' and 1 or 0,
  }
end
local now = redis.call('TIME')
return {
  stream.length, stream['entries-added'] or false, stream['last-generated-id'],
  first and first[1] or false, now[1] * 1000 + math.floor(now[2] / 1000), groups,
}
`);

type GroupRow = [
  name: string,
  consumers: number,
  pending: number,
  lastDeliveredId: string,
  entriesRead: number | null,
  lag: number | null,
  oldestPendingId: string | null,
  oldestUndeliveredId: string | null,
  oldestIsHeld: number,
];
type Row = [number, number | null, string, string | null, number, GroupRow[]] | null;

export async function describeStream(
  client: Redis,
  { key, floor }: { readonly key: string; readonly floor: string },
): Promise<Omit<StreamReport, 'stream'> | undefined> {
  const row = (await script.run(client, [key, floor], [])) as Row;
  if (!row) return undefined;
  const [length, entriesAdded, lastId, firstId, now, rows] = row;
  const groups = rows.map((group) => groupOf(group, now));
  return {
    length,
    entriesAdded,
    lastId,
    firstId: firstId ?? undefined,
    groups,
    furthestBehind: furthestBehind(groups),
  };
}

function groupOf(row: GroupRow, now: number): GroupReport {
  const [name, consumers, pending, lastDeliveredId, entriesRead, lag, oldest, following, held] =
    row;
  return {
    name,
    consumers,
    pending,
    lastDeliveredId,
    entriesRead,
    lag,
    oldestPendingId: oldest ?? undefined,
    ...(held === 1 && { oldestIsHeld: true }),
    oldestPendingAge: ageOf(oldest ?? undefined, now),
    oldestUndeliveredId: following ?? undefined,
    oldestUndeliveredAge: ageOf(following ?? undefined, now),
  };
}
