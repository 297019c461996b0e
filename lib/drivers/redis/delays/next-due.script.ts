import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { DELAYING, NEXT_IN } from '../scripting/delaying.js';
import { TRY } from '../scripting/try.js';

/** Maximum of streams in one run of the script. */
export const LOOK_AT_ONCE = 1000;

/**
 * Looks at many streams, most of which have no delayed message.
 *
 * - KEYS: one sorted set of due times for each stream.
 * - ARGV: none.
 * - Result: for each stream the time until its next message is due, in milliseconds; -1 where
 *   none waits; or an error.
 *
 * Why a script: one command serves many streams. The clock of the server decides.
 */
const script = new Script(`${TRY}${DELAYING}${NEXT_IN}
local out = {}
for i = 1, #KEYS do
  local wait, failure = next_in(KEYS[i])
  out[i] = failure or wait
end
return out
`);

/**
 * @returns per sorted set the time until the next message is due, in milliseconds, -1 where none
 * waits, or an error
 */
export async function nextDue(
  client: Redis,
  delayed: readonly string[],
): Promise<(number | Error)[]> {
  return (await script.run(client, delayed, [])) as (number | Error)[];
}
