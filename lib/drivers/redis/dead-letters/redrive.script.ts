import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { STREAMS_ONLY } from '../scripting/streams-only.js';
import { TRY } from '../scripting/try.js';

/**
 * Moves dead letters of one group to its redrive stream.
 *
 * - KEYS: the dead letters; the redrive stream.
 * - ARGV: group; then for each letter its id, and a JSON text that names the origin of the
 *   message.
 * - Result: the number of letters that still existed.
 *
 * Why a script: otherwise a process that dies in between would lose the letter, or leave it to
 * be redriven twice.
 */
const script = new Script(`${TRY}${STREAMS_ONLY}
local refusal = refuse_others(KEYS[2])
if refusal then return refusal end
local moved = 0
for i = 2, #ARGV, 2 do
  local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if entry then
    local add = { 'XADD', KEYS[2], '*', 'redriven', ARGV[i + 1] }
    for j = 3, #entry[2] do add[#add + 1] = entry[2][j] end
    redis.call(unpack(add)) -- XADD
    redis.call('XDEL', KEYS[1], ARGV[i])
    moved = moved + 1
  end
end
if moved > 0 then try('XGROUP', 'CREATE', KEYS[2], ARGV[1], '0') end
return moved
`);

export interface Redriving {
  readonly deadLetters: string;
  readonly redrive: string;
  readonly group: string;
  readonly letters: readonly { readonly id: string; readonly origin: string }[];
}

export async function redrive(client: Redis, redriving: Redriving): Promise<number> {
  const flat = redriving.letters.flatMap(({ id, origin }) => [id, origin]);
  const keys = [redriving.deadLetters, redriving.redrive];
  return (await script.run(client, keys, [redriving.group, ...flat])) as number;
}
