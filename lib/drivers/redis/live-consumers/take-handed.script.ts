import type { Redis } from 'ioredis';
import { chunksOf } from '../../../core/collections/chunks.js';
import type { HandedKind } from '../scripting/handed.js';
import { Script } from '../scripting/script.js';
import { HANDED_AT_ONCE, handedKeysOf, MINE, type Handed } from './handed-here.js';

/**
 * Takes some of the waiting entries off the list, for the consumer that fetches them.
 *
 * - KEYS: the stream; the redrive stream; the handed entries.
 * - ARGV: group; consumer; maximum of entries.
 * - Result: the number that still wait; then kind, id and delivery count of each entry that is
 *   pending to this consumer.
 *
 * Why a script: otherwise an entry could go to another consumer between the list and the check
 * of its owner.
 */
const script = new Script(`${MINE}
local out = { 0 }
for _, member in ipairs(page(KEYS[3], ARGV[3])) do
  redis.call('ZREM', KEYS[3], member)
  local kind, id = kind_and_id(me, member)
  local row = mine(kind == 'r' and KEYS[2] or KEYS[1], id)
  if row then
    out[#out + 1] = kind
    out[#out + 1] = id
    out[#out + 1] = row[4]
  end
end
out[1] = redis.call('ZLEXCOUNT', KEYS[3], waiting_of(me))
return out
`);

export interface TakenHanded {
  readonly kind: HandedKind;
  readonly id: string;
  readonly count: number;
}

export interface TakeHandedReply {
  /** How many entries still wait. */
  readonly waiting: number;
  readonly taken: readonly TakenHanded[];
}

export async function takeHanded(
  client: Redis,
  from: Handed,
  most: number,
): Promise<TakeHandedReply> {
  const args = [from.group, from.consumer, Math.min(most, HANDED_AT_ONCE)];
  const reply = await script.run(client, handedKeysOf(from), args);
  const [waiting, ...flat] = reply as (string | number)[];
  const taken = chunksOf(flat, 3).map(([kind, id, count]) => ({
    kind: kind as HandedKind,
    id: String(id),
    count: Number(count),
  }));
  return { waiting: Number(waiting), taken };
}
