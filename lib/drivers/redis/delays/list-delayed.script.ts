import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import type { DelayKeys } from '../scripting/delaying.js';

/**
 * Lists one page of the delayed messages, the message that is due first at its head. Finds the
 * start of the page by halving, because the last message of the page before may be gone.
 *
 * - KEYS: the sorted set of due times; the hash of fields.
 * - ARGV: maximum of messages; then due time and name of the last message of the page before, or
 *   nothing.
 * - Result: for each message { name, due time in milliseconds since the epoch, fields }, without
 *   fields where the hash has none.
 *
 * Why a script: otherwise a message could move between the look at the order and the look at its
 * fields.
 */
const script = new Script(`
local from = 0
if ARGV[2] then
  from = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[2])
  local to = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[2])
  while from < to do
    local middle = math.floor((from + to) / 2)
    if redis.call('ZRANGE', KEYS[1], middle, middle)[1] <= ARGV[3] then
      from = middle + 1
    else
      to = middle
    end
  end
end
local out = {}
local rows = redis.call('ZRANGE', KEYS[1], from, from + tonumber(ARGV[1]) - 1, 'WITHSCORES')
for i = 1, #rows, 2 do
  local packed = redis.call('HGET', KEYS[2], rows[i])
  local readable, fields = pcall(cmsgpack.unpack, packed or '')
  if not packed or not readable or type(fields) ~= 'table' then fields = {} end
  out[#out + 1] = { rows[i], rows[i + 1], fields }
end
return out
`);

export interface DelayedRow {
  readonly name: string;
  readonly dueAt: number;
  readonly fields: string[];
}

/** Where a page ended: due time and name of its last message. */
export type DelayedPlace = Pick<DelayedRow, 'name' | 'dueAt'>;

export async function listDelayed(
  client: Redis,
  { delayed, entries }: DelayKeys,
  { limit, after }: { readonly limit: number; readonly after: DelayedPlace | undefined },
): Promise<DelayedRow[]> {
  const args = after ? [limit, after.dueAt, after.name] : [limit];
  const rows = await script.run(client, [delayed, entries], args);
  return (rows as [string, string, string[]][]).map(([name, due, fields]) => ({
    name,
    dueAt: Number(due),
    fields,
  }));
}
