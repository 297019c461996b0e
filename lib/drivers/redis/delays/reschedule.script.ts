import type { Redis } from 'ioredis';
import type { When } from '../../../core/message.js';
import { Script } from '../scripting/script.js';
import { DELAYING, whenArguments, type DelayKeys } from '../scripting/delaying.js';

/**
 * Gives a delayed message another time. KEYS sorted set. ARGV name, `in` or `at`, ms.
 * Answers 1, or 0: it is gone.
 */
const script = new Script(`${DELAYING}
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local due = due_at(ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[1], string.format('%.0f', due), ARGV[1])
wake(KEYS[1], ARGV[1], due, server_time())
return 1
`);

export async function reschedule(
  client: Redis,
  { delayed }: DelayKeys,
  name: string,
  when: When,
): Promise<boolean> {
  return (await script.run(client, [delayed], [name, ...whenArguments(when)])) === 1;
}
