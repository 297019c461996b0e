import type { Redis } from 'ioredis';
import { delayedId } from '../../../ports/delays.js';
import type { Fields, When } from '../../../core/message.js';
import { Script } from '../scripting/script.js';
import { DELAYING, whenArguments, type DelayKeys } from '../scripting/delaying.js';
import { TRY } from '../scripting/try.js';

/**
 * Stores delayed entries of one stream until they are due. An idempotency key is taken before
 * its entry is written, given back where writing fails, and remembered until its window after
 * the due time has passed. A repetition writes the key again: on a connection that has written
 * nothing, WAIT counts replicas that lack the entry.
 *
 * - KEYS: the sorted set of due times; the hash of fields; the stream; then one published key
 *   for each entry with an idempotency key.
 * - ARGV: for each entry: `in` or `at`; milliseconds from now, or since the epoch; window in
 *   milliseconds, or an empty text; number of elements; the elements.
 * - Result: for each entry its name, the id for which its key stands, or an error.
 *
 * Why a script: due time and fields belong together: a name without fields could never be
 * published.
 */
const script = new Script(`${TRY}${DELAYING}
local refusal = refuse_delays(KEYS[1], KEYS[2], KEYS[3])
if refusal then return refusal end
local function once(key, due, window, first, last)
  local keep = string.format('%.0f', math.max(due - due_at('in', 0), 0) + tonumber(window))
  local known = try('SET', key, '', 'NX', 'GET', 'PX', keep)
  if type(known) == 'table' and known.err then
    if string.sub(known.err, 1, 9) ~= 'WRONGTYPE' then return known end
    return redis.error_reply('ERR key ' .. key .. ' should hold the id of a message; remove it')
  end
  if known then
    redis.call('SET', key, known, 'KEEPTTL')
    return known
  end
  local stored, name = pcall(delay, KEYS[1], KEYS[2], due, first, last)
  if not stored then
    redis.call('DEL', key)
    error(name)
  end
  redis.call('SET', key, '${delayedId('')}' .. name, 'PX', keep)
  return name
end
local out, at, key = {}, 1, 4
while at <= #ARGV do
  local due, window, size = due_at(ARGV[at], ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3])
  local first, last = at + 4, at + 3 + size
  if window == '' then
    out[#out + 1] = delay(KEYS[1], KEYS[2], due, first, last)
  else
    out[#out + 1] = once(KEYS[key], due, window, first, last)
    key = key + 1
  end
  at = last + 1
end
return out
`);

export interface Scheduling {
  readonly when: When;
  readonly fields: Fields;
  /** The published key, and for how long it is remembered after the due time, in milliseconds. */
  readonly once: { readonly key: string; readonly window: number } | undefined;
}

/** @returns for each entry its id, the id that its idempotency key stands for, or its error */
export async function schedule(
  client: Redis,
  keys: DelayKeys,
  entries: readonly Scheduling[],
): Promise<(string | Error)[]> {
  const names = [keys.delayed, keys.entries, keys.stream];
  const args: (string | number)[] = [];
  for (const { when, fields, once } of entries) {
    if (once) names.push(once.key);
    args.push(...whenArguments(when), once?.window ?? '', fields.length, ...fields);
  }
  const replies = (await script.run(client, names, args)) as (string | Error)[];
  return replies.map((reply) =>
    typeof reply === 'string' && /^\d{16}$/.test(reply) ? delayedId(reply) : reply,
  );
}
