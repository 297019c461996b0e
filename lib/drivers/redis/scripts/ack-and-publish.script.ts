import type { Redis } from 'ioredis';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Fields, When } from '../../../core/message.js';
import { Script } from '../script.js';
import { STREAMS_ONLY } from './dead-letter.script.js';
import { DELAYING, MOST_ELEMENTS, whenArguments, type DelayKeys } from './delaying.js';
import { completed, type DoneKey } from './completions.scripts.js';
import { FENCE, FORGET, type Fenced } from './fence.js';

const ACKNOWLEDGE = 'forget(KEYS[1], ARGV[1], ARGV[3], ARGV[6])';

/**
 * Publishes what follows from a message, or stores it until it is due, then acknowledges the message;
 * all targets are checked before the first write, since a script that fails halfway keeps what it has
 * written.
 * KEYS stream, then per entry its stream, and of a delayed one the sorted set and the hash, too.
 * ARGV group, consumer, id, count, unfenced, redriven, then per entry `now`, `in` or `at`, ms, the number of its
 * elements and the elements.
 */
const TEXT = `${FENCE}${STREAMS_ONLY}${DELAYING}
if ARGV[5] ~= '1' then
  local word = fence(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
  if word ~= 'held' then return word end
end
local at, key = 7, 2
while at <= #ARGV do
  local refusal
  if ARGV[at] == 'now' then
    refusal = refuse_others(KEYS[key])
    key = key + 1
  else
    refusal = refuse_delays(KEYS[key + 1], KEYS[key + 2], KEYS[key])
    key = key + 3
  end
  if refusal then return refusal end
  local size = tonumber(ARGV[at + 2])
  if size == 0 or size % 2 == 1 or size > ${MOST_ELEMENTS} then
    return redis.error_reply('ERR an entry needs between 1 and ${MOST_ELEMENTS / 2} pairs of fields')
  end
  at = at + size + 3
end
at, key = 7, 2
while at <= #ARGV do
  local how, first = ARGV[at], at + 3
  local last = at + 2 + tonumber(ARGV[at + 2])
  if how == 'now' then
    redis.call('XADD', KEYS[key], '*', unpack(ARGV, first, last))
    key = key + 1
  else
    delay(KEYS[key + 1], KEYS[key + 2], due_at(how, ARGV[at + 1]), first, last)
    key = key + 3
  end
  at = last + 1
end
${ACKNOWLEDGE}
return 'settled'
`;
const script = new Script(`${FORGET}${TEXT}`);
/** What was completed before has published what follows from it. */
const completing = new Script(`${FORGET}${completed(TEXT, ACKNOWLEDGE)}`);

export interface Publishing extends Fenced {
  readonly unfenced: boolean;
  /** The entry is deleted, too. */
  readonly redriven: boolean;
  /** Marked in the same step. */
  readonly done?: DoneKey | undefined;
  readonly entries: readonly {
    readonly keys: DelayKeys;
    readonly fields: Fields;
    readonly when: When | undefined;
  }[];
}

export async function ackAndPublish(client: Redis, run: Publishing): Promise<SettleOutcome> {
  const { key, group, consumer, id, count, unfenced, redriven, entries, guards, done } = run;
  const names = [key];
  const args: (string | number)[] = [group, consumer, id, count];
  args.push(unfenced ? 1 : 0, redriven ? 1 : 0);
  for (const { keys, fields, when } of entries) {
    names.push(keys.stream);
    if (when) names.push(keys.delayed, keys.entries);
    args.push(...(when ? whenArguments(when) : ['now', 0]), fields.length, ...fields);
  }
  if (!done) return ((await script.run(client, names, args, guards)) ?? 'lost') as SettleOutcome;
  names.push(done.key);
  args.push(done.ttl);
  return ((await completing.run(client, names, args, guards)) ?? 'lost') as SettleOutcome;
}
