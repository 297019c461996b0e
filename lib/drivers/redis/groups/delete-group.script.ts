import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { DELETED, GROUP_RECORD } from '../scripting/group-record.js';
import { TRY } from '../scripting/try.js';

/**
 * Deletes a group on an operator's request, with its pending entries and its redrive stream.
 * Leaves a mark in place of its floor, so that no consumer creates the group again. Marks a lost
 * group, too, because a consumer would restore it.
 *
 * - KEYS: the stream; the floors of its groups; the redrive stream; the hash of entries on hold.
 * - ARGV: group.
 * - Result: `deleted`, `absent`, or `unmarkable`: the key of the floors is no hash, and nothing
 *   was done.
 *
 * Why a script: otherwise a consumer could create the group again before the mark is written.
 */
const script = new Script(`${TRY}${GROUP_RECORD}
local key, floors, group = KEYS[1], KEYS[2], ARGV[1]
local found = group_of(key, group)
local noted = try('HGET', floors, group)
if type(noted) == 'table' then return 'unmarkable' end
if not found and not noted then return 'absent' end
redis.call('HSET', floors, group, '${DELETED}')
redis.call('DEL', KEYS[3], KEYS[4])
if not found then return 'absent' end
redis.call('XGROUP', 'DESTROY', key, group)
return 'deleted'
`);

export type DeleteGroupReply = 'deleted' | 'absent' | 'unmarkable';

export async function deleteGroup(
  client: Redis,
  names: { key: string; floor: string; redrive: string; held: string; group: string },
): Promise<DeleteGroupReply> {
  const { key, floor, redrive, held, group } = names;
  return (await script.run(client, [key, floor, redrive, held], [group])) as DeleteGroupReply;
}
