import type { Redis } from 'ioredis';
import { settledUpTo } from '../../entry-ids/group-position.js';
import { GROUP_RECORD } from '../scripting/group-record.js';
import { Script } from '../scripting/script.js';

/**
 * Reads how far a group has come.
 *
 * - KEYS: the stream.
 * - ARGV: group.
 * - Result: { last delivered id, oldest pending id or nil }. Nil where the stream or the group is
 *   missing.
 *
 * Why a script: an entry that is delivered between two commands would be missing from the pending
 * entries and count as delivered.
 */
const script = new Script(`${GROUP_RECORD}
local group = group_of(KEYS[1], ARGV[1])
if not group then return false end
local oldest = false
if group.pending > 0 then
  oldest = redis.call('XPENDING', KEYS[1], group.name, '-', '+', 1)[1]
end
return { group['last-delivered-id'], oldest and oldest[1] or false }
`);

/** The id up to which the group has settled everything. Undefined: nothing, or no such group. */
export async function readSettledUpTo(
  client: Redis,
  { key, group }: { readonly key: string; readonly group: string },
): Promise<string | undefined> {
  const reply = (await script.run(client, [key], [group])) as [string, string | null] | null;
  return reply ? settledUpTo(reply[0], reply[1] ?? undefined) : undefined;
}
