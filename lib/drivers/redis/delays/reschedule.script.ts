import type { Redis } from 'ioredis';
import type { When } from '../../../core/message.js';
import { Script } from '../scripting/script.js';
import { DELAYING, whenArguments, type DelayKeys } from '../scripting/delaying.js';

/**
 * Changes the due time of a delayed message.
 *
 * - KEYS: the sorted set of due times.
 * - ARGV: name of the message; `in` or `at`; milliseconds from now, or since the epoch.
 * - Result: `moved`, or `gone` where no such message waits.
 *
 * Why a script: otherwise a message that another process publishes in between would be stored
 * again.
 */
const script = new Script(`${DELAYING}
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 'gone' end
local due = due_at(ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[1], string.format('%.0f', due), ARGV[1])
wake(KEYS[1], ARGV[1], due, server_time())
return 'moved'
`);

export async function reschedule(
  client: Redis,
  { delayed }: DelayKeys,
  { name, when }: { readonly name: string; readonly when: When },
): Promise<'moved' | 'gone'> {
  return (await script.run(client, [delayed], [name, ...whenArguments(when)])) as 'moved' | 'gone';
}
