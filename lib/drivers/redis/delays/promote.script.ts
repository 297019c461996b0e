import type { Redis } from 'ioredis';
import type { Promoted } from '../../../ports/delays.js';
import { Script } from '../scripting/script.js';
import { DELAYING, MOST_ELEMENTS, NEXT_IN, type DelayKeys } from '../scripting/delaying.js';
import { TRY } from '../scripting/try.js';

/**
 * Maximum of entries that one run of the script moves, so that it never blocks the server for long.
 */
const MOST_ENTRIES = 1000;
/** Approximate maximum of bytes that one run of the script moves. */
const MOST_BYTES = 1_000_000;
/**
 * Entries fetched at once. This bounds the memory that one run needs, together with the size of the
 * entries.
 */
const AT_ONCE = 25;

/** Maximum of streams in one run of the script. */
export const PROMOTE_AT_ONCE = 100;

/**
 * Field for a delayed message that cannot be unpacked, since another program wrote it. Consumers
 * dead-letter such an entry.
 */
const UNREADABLE = 'unreadable_delayed';

/**
 * Moves due messages to their stream. A stream without due messages costs one command. The
 * others share the maximum of entries. Where a stream accepts no more entries, the messages that
 * were moved before are removed from the delayed ones, and the rest stays delayed.
 *
 * - KEYS: for each stream: the sorted set of due times, the hash of fields, the stream.
 * - ARGV: none.
 * - Result: for each stream { moved, lost, milliseconds until the next message is due or -1 },
 *   or an error.
 *
 * Why a script: publishing and removing belong together: a message is in its stream once,
 * however many processes promote.
 */
const script = new Script(`${TRY}${DELAYING}${NEXT_IN}
local function fields_of(packed)
  local readable, fields = pcall(cmsgpack.unpack, packed)
  local good = readable and type(fields) == 'table' and #fields > 0 and #fields % 2 == 0
  if not good or #fields > ${MOST_ELEMENTS} then return { '${UNREADABLE}', packed } end
  for i = 1, #fields do
    if type(fields[i]) ~= 'string' then return { '${UNREADABLE}', packed } end
  end
  return fields
end
local function promote(delayed, entries, stream, capacity)
  local refusal = refuse_delays(delayed, entries, stream)
  if refusal then return refusal end
  local names = redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, capacity)
  -- They change nothing. They end the script before it publishes, where the user may not delete.
  -- After a first write a server at maxmemory lets the script publish too, which takes less than it frees.
  redis.call('ZREMRANGEBYRANK', delayed, 1, 0)
  redis.call('HDEL', entries, '')
  local moved, done, bytes, failure = 0, 0, 0, nil
  for at = 1, #names, ${AT_ONCE} do
    if bytes >= ${MOST_BYTES} or failure then break end
    local upto = math.min(at + ${AT_ONCE - 1}, #names)
    local found = redis.call('HMGET', entries, unpack(names, at, upto))
    for _, packed in ipairs(found) do
      if packed then
        local id = redis.pcall('XADD', stream, '*', unpack(fields_of(packed)))
        if type(id) == 'table' then
          failure = named(id, 'XADD')
          break
        end
        moved = moved + 1
        bytes = bytes + #packed
      end
      done = done + 1
    end
  end
  if done > 0 then
    -- The soonest of them, which they are in this order.
    redis.call('ZREMRANGEBYRANK', delayed, 0, done - 1)
    redis.call('HDEL', entries, unpack(names, 1, done))
  end
  if failure then return failure end
  local wait = next_in(delayed)
  if wait == -1 then redis.call('DEL', entries) end
  return { moved, done - moved, wait }
end
local out, due = {}, {}
for i = 1, #KEYS, 3 do
  local wait, failure = next_in(KEYS[i])
  out[#out + 1] = failure or { 0, 0, wait }
  if wait == 0 then due[#due + 1] = i end
end
for _, i in ipairs(due) do
  out[(i + 2) / 3] = promote(KEYS[i], KEYS[i + 1], KEYS[i + 2], math.ceil(${MOST_ENTRIES} / #due))
end
return out
`);

/** @param streams {@link PROMOTE_AT_ONCE} at most. @returns one result per stream, or its error */
export async function promote(
  client: Redis,
  streams: readonly DelayKeys[],
): Promise<(Promoted | Error)[]> {
  const keys = streams.flatMap(({ delayed, entries, stream }) => [delayed, entries, stream]);
  const replies = (await script.run(client, keys, [])) as (
    [moved: number, lost: number, nextIn: number] | Error
  )[];
  return replies.map((reply) => {
    if (reply instanceof Error) return reply;
    const [moved, lost, nextIn] = reply;
    return { moved, lost, nextIn: nextIn < 0 ? undefined : nextIn };
  });
}
