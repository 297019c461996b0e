import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { DELAYING, type DelayKeys } from '../scripting/delaying.js';

/**
 * Removes a delayed message, so that it is not published.
 *
 * - KEYS: the sorted set of due times; the hash of fields; the stream.
 * - ARGV: the name of the message.
 * - Result: `cancelled`, or `gone` where no such message waits.
 *
 * Why a script: otherwise another process could publish the message between the two removals.
 */
const script = new Script(`${DELAYING}
local refusal = refuse_delays(KEYS[1], KEYS[2], KEYS[3])
if refusal then return refusal end
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 'gone' end
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('TYPE', KEYS[1]).ok == 'none' then
  redis.call('DEL', KEYS[2])
end
return 'cancelled'
`);

export async function cancelDelayed(
  client: Redis,
  { delayed, entries, stream }: DelayKeys,
  name: string,
): Promise<'cancelled' | 'gone'> {
  return (await script.run(client, [delayed, entries, stream], [name])) as 'cancelled' | 'gone';
}
