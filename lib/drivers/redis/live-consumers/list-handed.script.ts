import type { Redis } from 'ioredis';
import { HANDED, type HandedKind } from '../scripting/handed.js';
import { Script } from '../scripting/script.js';
import type { Handed } from './handed-here.js';

/**
 * Lists the entries of one stream that wait for a consumer.
 *
 * - KEYS: the handed entries.
 * - ARGV: group; consumer; kind of the stream.
 * - Result: the ids.
 *
 * Why a script: a script, so that the names of the members are made in one place, on the server.
 */
const script = new Script(`${HANDED}
local from, to = waiting_of(ARGV[2], ARGV[3])
local ids = redis.call('ZRANGE', KEYS[1], from, to, 'BYLEX')
for i, member in ipairs(ids) do
  local _, id = kind_and_id(ARGV[2], member)
  ids[i] = id
end
return ids
`);

/** Returns the ids of all waiting entries of one kind. */
export async function listHanded(client: Redis, of: Handed, kind: HandedKind): Promise<string[]> {
  return (await script.run(client, [of.handed], [of.group, of.consumer, kind])) as string[];
}
