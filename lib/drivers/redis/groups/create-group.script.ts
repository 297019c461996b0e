import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { GROUP_RECORD } from '../scripting/group-record.js';
import { TRY } from '../scripting/try.js';

/**
 * Creates a group on an operator's request. Removes what was remembered of an earlier group of
 * this name, also the mark that it was deleted on request.
 *
 * - KEYS: the stream; the floors of its groups.
 * - ARGV: group; start id; whether to create the stream.
 * - Result: `created`, `exists` or `no-stream`.
 *
 * Why a script: otherwise a consumer could put the group back at the position of the earlier
 * one.
 */
const script = new Script(`${TRY}${GROUP_RECORD}
local key, floors, group = KEYS[1], KEYS[2], ARGV[1]
if group_of(key, group) then return 'exists' end
if ARGV[3] == '1' then
  redis.call('XGROUP', 'CREATE', key, group, ARGV[2], 'MKSTREAM')
else
  if redis.call('EXISTS', key) == 0 then return 'no-stream' end
  redis.call('XGROUP', 'CREATE', key, group, ARGV[2])
end
try('HDEL', floors, group)
return 'created'
`);

export type CreateGroupReply = 'created' | 'exists' | 'no-stream';

export async function createGroup(
  client: Redis,
  names: { key: string; floor: string; group: string; startId: string; createStream: boolean },
): Promise<CreateGroupReply> {
  const { key, floor, group, startId, createStream } = names;
  const args = [group, startId, createStream ? 1 : 0];
  return (await script.run(client, [key, floor], args)) as CreateGroupReply;
}
