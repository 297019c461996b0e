import type { Redis } from 'ioredis';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Fields } from '../../../core/message.js';
import { Script } from '../script.js';
import { STREAMS_ONLY } from './dead-letter.script.js';
import { FENCE, type Fenced } from './fence.js';

/**
 * Publishes what follows from a message, then acknowledges it; all targets are checked before the
 * first write, since a script that fails halfway keeps what it has written.
 * KEYS stream, then one target per entry. ARGV group, consumer, id, count, unfenced, then per entry
 * the number of its elements and the elements.
 */
const script = new Script(`${FENCE}${STREAMS_ONLY}
if ARGV[5] ~= '1' then
  local word = fence(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
  if word ~= 'held' then return word end
end
for i = 2, #KEYS do
  local refusal = refuse_others(KEYS[i])
  if refusal then return refusal end
end
local at = 6
for _ = 2, #KEYS do
  local size = tonumber(ARGV[at])
  if size == 0 or size % 2 == 1 or size > 7000 then
    return redis.error_reply('ERR an entry needs between 1 and 3500 pairs of fields')
  end
  at = at + size + 1
end
at = 6
for i = 2, #KEYS do
  local size = tonumber(ARGV[at])
  redis.call('XADD', KEYS[i], '*', unpack(ARGV, at + 1, at + size))
  at = at + size + 1
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
return 'settled'
`);

export interface Publishing extends Fenced {
  readonly unfenced: boolean;
  readonly entries: readonly { readonly key: string; readonly fields: Fields }[];
}

export async function ackAndPublish(client: Redis, run: Publishing): Promise<SettleOutcome> {
  const { key, group, consumer, id, count, unfenced, entries } = run;
  const flat = entries.flatMap(({ fields }) => [fields.length, ...fields]);
  return (await script.run(
    client,
    [key, ...entries.map((entry) => entry.key)],
    [group, consumer, id, count, unfenced ? 1 : 0, ...flat],
  )) as SettleOutcome;
}
