import type { Redis } from 'ioredis';
import type { Fields } from '../../../core/message.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import { Script } from '../scripting/script.js';
import { FENCE, FORGET, type Fenced } from '../scripting/fence.js';
import { asWritten, PACKED_FIELDS } from '../scripting/stored-fields.js';
import { STREAMS_ONLY } from '../scripting/streams-only.js';

/**
 * Stores a dead letter, then acknowledges the entry. The fields are copied on the server, byte
 * for byte.
 *
 * - KEYS: the stream; the dead letters.
 * - ARGV: group; consumer; id; delivery count; record as a JSON text; number of elements to skip
 *   at the beginning of the fields; 1 to acknowledge without the fence; 1 to delete the entry;
 *   then the fields as the consumer read them, which are used where the entry's data was
 *   deleted.
 * - Result: `settled`, `lost`, `gone`; `deleted` where the data was deleted and no fields are
 *   given; or the refusal where the key of the dead letters is no stream.
 *
 * Why a script: otherwise a process that dies in between would leave two letters for one
 * failure, or none.
 */
const script = new Script(`${FENCE}${FORGET}${STREAMS_ONLY}
local key, group, id = KEYS[1], ARGV[1], ARGV[3]
if ARGV[7] ~= '1' then
  local word = fence(key, group, ARGV[2], id, ARGV[4])
  if word ~= 'held' then return word end
end
local refusal = refuse_others(KEYS[2])
if refusal then return refusal end
local entry = redis.call('XRANGE', key, id, id)[1]
local fields, from = ARGV, 9
if entry then fields, from = entry[2], 1 + tonumber(ARGV[6]) end
if not entry and #ARGV < 9 then return 'deleted' end
local add = { 'XADD', KEYS[2], '*', 'dead_letter', ARGV[5] }
if #fields - from > 7000 then
  local packed = {}
  for i = from, #fields do packed[#packed + 1] = fields[i] end
  add[6], add[7] = '${PACKED_FIELDS}', cjson.encode(packed)
else
  for i = from, #fields do add[#add + 1] = fields[i] end
end
redis.call(unpack(add)) -- XADD
forget(key, group, { id }, ARGV[8])
return 'settled'
`);

export interface DeadLettering extends Fenced {
  readonly deadLetters: string;
  /** JSON of the record. */
  readonly record: string;
  /** Number of elements at the head of the stored fields that are not the message's own. */
  readonly skip: number;
  /** The entry left the pending list with its data: no other consumer can own it. */
  readonly unfenced: boolean;
  /**
   * Also delete the entry, and its key with the last one: it was redriven, and no other group reads
   * it.
   */
  readonly remove: boolean;
  readonly fields: Fields;
}

export async function deadLetter(client: Redis, letter: DeadLettering): Promise<SettleOutcome> {
  // The fields are sent only where the server does not have them any more.
  const word = letter.unfenced ? 'deleted' : await store(client, letter, []);
  return word === 'deleted'
    ? ((await store(client, letter, letter.fields)) as SettleOutcome)
    : word;
}

async function store(
  client: Redis,
  letter: DeadLettering,
  fields: Fields,
): Promise<SettleOutcome | 'deleted'> {
  const { group, consumer, id, count, record, skip, unfenced, remove, guards } = letter;
  const flags = [unfenced ? 1 : 0, remove ? 1 : 0];
  const word = await script.run(
    client,
    [letter.key, letter.deadLetters],
    [group, consumer, id, count, record, skip, ...flags, ...fields.map(asWritten)],
    guards,
  );
  return (word ?? 'lost') as SettleOutcome | 'deleted';
}
