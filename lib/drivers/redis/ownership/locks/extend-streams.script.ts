import type { Redis } from 'ioredis';
import { Script } from '../../scripting/script.js';
import { REFRESH, MINE } from '../inputs/pending-input.js';
import { TRY } from '../../scripting/try.js';

/**
 * Keeps the locks of one consumer alive, each only while the consumer owns its stream. Takes an
 * expired lock again where no other owner has raised the token since. Sets the idle time of the
 * inputs to zero.
 *
 * - KEYS: the inputs; then lock and fence of each stream.
 * - ARGV: consumer; group; lease in milliseconds; then id and token of each stream.
 * - Result: for each stream `held` or `lost`.
 *
 * Why a script: otherwise another consumer could take the stream between the check and the
 * extension, and both would own it.
 */
const script = new Script(`${TRY}${MINE}${REFRESH}
local words, at = {}, 4
for i = 2, #KEYS, 2 do
  local word = 'lost'
  local whose, idle = mine(KEYS[1], ARGV[2], ARGV[at], ARGV[1])
  if whose == 'mine' and redis.call('GET', KEYS[i + 1]) == ARGV[at + 1] then
    local holder = redis.call('GET', KEYS[i])
    if not holder or holder == ARGV[1] then
      word = 'held'
      -- Before the lock: when the lock expires, its input has been idle for at least as long.
      if idle * 2 >= tonumber(ARGV[3]) then refresh(KEYS[1], ARGV[2], ARGV[at], ARGV[1]) end
    end
    if holder == ARGV[1] then
      redis.call('PEXPIRE', KEYS[i], ARGV[3])
    elseif not holder then
      redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[3])
    end
  end
  words[#words + 1] = word
  at = at + 2
end
return words
`);

/** Maximum of streams in one run of the script, so that it never blocks the server for long. */
export const STREAMS_AT_ONCE = 100;

export interface ExtendingStreams {
  readonly inputs: string;
  readonly consumer: string;
  readonly group: string;
  readonly lease: number;
  readonly streams: readonly {
    readonly lock: string;
    readonly fence: string;
    readonly id: string;
    readonly token: number;
  }[];
}

export async function extendStreams(
  client: Redis,
  extending: ExtendingStreams,
): Promise<('held' | 'lost')[]> {
  const { inputs, consumer, group, lease, streams } = extending;
  const keys = streams.flatMap(({ lock, fence }) => [lock, fence]);
  const places = streams.flatMap(({ id, token }) => [id, token]);
  return (await script.run(client, [inputs, ...keys], [consumer, group, lease, ...places])) as (
    'held' | 'lost'
  )[];
}
