import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { GROUP_RECORD } from '../scripting/group-record.js';
import { TRY } from '../scripting/try.js';

/**
 * Moves a group to another position, and with it the floor from which the group would be
 * restored.
 *
 * - KEYS: the stream; the floors of its groups.
 * - ARGV: group; id.
 * - Result: `moved`, `no-stream` or `no-group`.
 *
 * Why a script: otherwise a group that is lost in between would be restored at its old position.
 */
const script = new Script(`${TRY}${GROUP_RECORD}
local key, floors, group = KEYS[1], KEYS[2], ARGV[1]
if redis.call('EXISTS', key) == 0 then return 'no-stream' end
if not group_of(key, group) then return 'no-group' end
redis.call('XGROUP', 'SETID', key, group, ARGV[2])
try('HSET', floors, group, floor_of(key, group_of(key, group), stream_of(key)))
return 'moved'
`);

export type SetPositionReply = 'moved' | 'no-stream' | 'no-group';

export async function setPosition(
  client: Redis,
  names: { key: string; floor: string; group: string; id: string },
): Promise<SetPositionReply> {
  const { key, floor, group, id } = names;
  return (await script.run(client, [key, floor], [group, id])) as SetPositionReply;
}
