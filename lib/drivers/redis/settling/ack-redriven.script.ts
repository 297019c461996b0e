import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import type { GuardedAcks } from './ack-guarded.script.js';

/**
 * Acknowledges redriven entries and deletes them, and their stream with the last one: only its
 * own group reads it.
 *
 * - KEYS: the redrive stream.
 * - ARGV: group; ids.
 * - Result: `settled`.
 *
 * Why a script: otherwise an entry that is redriven before the stream is deleted would be lost.
 */
const script = new Script(`
local ids = {}
for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
redis.call('XDEL', KEYS[1], unpack(ids))
if redis.call('XLEN', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[1])
end
return 'settled'
`);

export async function ackRedriven(
  client: Redis,
  { key, group, ids, guards }: GuardedAcks,
): Promise<'settled' | 'lost'> {
  const word = (await script.run(client, [key], [group, ...ids], guards)) as 'settled' | null;
  return word ?? 'lost';
}
