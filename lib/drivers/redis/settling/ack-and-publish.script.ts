import type { Redis } from 'ioredis';
import type { Completion, CompletionKey } from '../../../core/completion.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { Keys } from '../keys/keys.js';
import { Script } from '../scripting/script.js';
import { DONE } from '../completions/done-keys.js';
import { STREAMS_ONLY } from '../scripting/streams-only.js';
import { DELAYING, MOST_ELEMENTS, whenArguments } from '../scripting/delaying.js';
import { FENCE, FORGET, type Fenced } from '../scripting/fence.js';
import { pack, UNPACK, type PackedList } from '../scripting/packing.js';

/**
 * Publishes what follows from messages, or stores it until it is due, message by message. Then
 * it acknowledges them all. The fence and all targets of a message are checked before its first
 * write, because what has been written stays. Where publishing fails all the same, that message
 * alone has failed.
 *
 * One range XPENDING and one XACK serve all messages: each call costs more than what it does.
 *
 * - KEYS: the stream; then every other key once.
 * - ARGV: packed, counts as numbers and the rest as texts: group; consumer; first and last id;
 *   whether the messages are redriven. For each message: id; delivery count, or 0 for no fence;
 *   number of its done key, or 0 for none; the time to remember that key, in milliseconds;
 *   number of its entries. For each entry: `now`, `in` or `at`; number of the key of its stream;
 *   number of its elements; for a delayed entry the milliseconds, and the numbers of the keys of
 *   the sorted set and of the hash; the elements.
 * - Result: for each message a word or an error; `settled` alone where all are settled.
 *
 * Why a script: otherwise a process that dies in between would publish the next step again, or
 * lose it.
 */
const script = new Script(`${UNPACK}${FENCE}${FORGET}${STREAMS_ONLY}${DELAYING}
local key, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local counts = {}
if ARGV[3] ~= ARGV[4] then
  local rows = try('XPENDING', key, group, ARGV[3], ARGV[4], 10000, consumer)
  if not rows.err then
    for _, row in ipairs(rows) do counts[row[1]] = row[4] end
  end
end
local function owned(id, count)
  if count == 0 or counts[id] == count then return 'held' end
  return fence(key, group, consumer, id, count)
end
local refusals = {}
local function refused(how, at)
  local name = how == 'now' and ARGV[at] or ARGV[at] .. ' delayed'
  if refusals[name] == nil then
    local stream = KEYS[ARGV[at]]
    if how == 'now' then
      refusals[name] = refuse_others(stream) or false
    else
      local delayed, stored = KEYS[ARGV[at + 3]], KEYS[ARGV[at + 4]]
      refusals[name] = refuse_delays(delayed, stored, stream) or false
    end
  end
  return refusals[name]
end
local function check(at, entries)
  local refusal = false
  for _ = 1, entries do
    local how, size = ARGV[at], ARGV[at + 2]
    refusal = refusal or refused(how, at + 1)
    if not refusal and (size == 0 or size % 2 == 1 or size > ${MOST_ELEMENTS}) then
      refusal = redis.error_reply('ERR an entry needs between 1 and ${MOST_ELEMENTS / 2} pairs of fields')
    end
    at = at + (how == 'now' and 3 or 6) + size
  end
  return refusal, at
end
local function as_reply(problem)
  return type(problem) == 'table' and problem or redis.error_reply(problem)
end
local function publish(at, entries, done, ttl)
  for _ = 1, entries do
    local how, stream, size = ARGV[at], KEYS[ARGV[at + 1]], ARGV[at + 2]
    local first = at + (how == 'now' and 3 or 6)
    if how == 'now' then
      local added = try('XADD', stream, '*', unpack(ARGV, first, first + size - 1))
      if type(added) == 'table' then error(added) end
    else
      local delayed, stored = KEYS[ARGV[at + 4]], KEYS[ARGV[at + 5]]
      delay(delayed, stored, due_at(how, ARGV[at + 3]), first, first + size - 1)
    end
    at = first + size
  end
  if done > 0 then redis.call('SET', KEYS[done], '${DONE}', 'PX', ttl) end
end
local words, settled, at = {}, {}, 6
while at <= #ARGV do
  local id, count, done, ttl, entries = unpack(ARGV, at, at + 4)
  local first, word, refusal = at + 5, nil, nil
  refusal, at = check(first, entries)
  if done > 0 and redis.call('GET', KEYS[done]) == '${DONE}' then
    -- The run that completed it has published what follows.
    word = 'settled'
  else
    word = owned(id, count)
    if word == 'held' then word = refusal or 'settled' end
    if word == 'settled' then
      local published, problem = pcall(publish, first, entries, done, ttl)
      if not published then word = as_reply(problem) end
    end
  end
  if word == 'settled' then settled[#settled + 1] = id end
  words[#words + 1] = word
end
local forgotten, problem = pcall(forget, key, group, settled, ARGV[5])
if forgotten then return #settled == #words and 'settled' or words end
for place, word in ipairs(words) do
  if word == 'settled' then words[place] = as_reply(problem) end
end
return words
`);

/** A message that is acknowledged, and the messages that follow from it. */
export interface Publishing {
  readonly id: string;
  /** Delivery count of the run. */
  readonly count: number;
  readonly unfenced: boolean;
  readonly entries: readonly OutgoingEntry[];
  /** Marked as completed in the same step. */
  readonly completes: Completion | undefined;
}

/** Most messages in one run of the script, so that it never blocks the server for long. */
export const PUBLISH_AT_ONCE = 200;

/**
 * @param run what its messages have in common
 * @param range the lowest and the highest of their ids
 */
export async function ackAndPublish(
  client: Redis,
  run: Omit<Fenced, 'id' | 'count'> & { readonly redriven: boolean },
  range: readonly [first: string, last: string],
  messages: readonly Publishing[],
  names: Keys,
): Promise<(SettleOutcome | Error)[]> {
  const keys = new NumberedKeys(run.key, names);
  const args = pack((list) => {
    list.text(run.group);
    list.text(run.consumer);
    list.text(range[0]);
    list.text(range[1]);
    list.text(run.redriven ? '1' : '0');
    for (const message of messages) packMessage(list, message, keys);
  });
  const words = await script.run(client, keys.all, [args], run.guards);
  if (Array.isArray(words)) return words as (SettleOutcome | Error)[];
  return new Array<SettleOutcome>(messages.length).fill((words ?? 'lost') as 'settled' | 'lost');
}

function packMessage(
  list: PackedList,
  { id, count, unfenced, entries, completes }: Publishing,
  keys: NumberedKeys,
): void {
  list.text(id);
  list.number(unfenced ? 0 : count);
  list.number(completes ? keys.done(completes.claim) : 0);
  list.number(completes ? completes.ttl : 0);
  list.number(entries.length);
  for (const { stream, fields, when } of entries) {
    const [how, ms] = when ? whenArguments(when) : NOW;
    list.text(how);
    list.number(keys.stream(stream));
    list.number(fields.length);
    if (when) {
      const { delayed, entries: stored } = keys.delays(stream);
      list.number(ms);
      list.number(delayed);
      list.number(stored);
    }
    for (const field of fields) list.text(field);
  }
}

const NOW = ['now', 0] as const;

/** The keys of a script, with the index of each stream's key. */
class NumberedKeys {
  readonly all: string[] = [];
  private readonly streams = new Map<string, number>();
  private readonly delayed = new Map<string, { delayed: number; entries: number }>();

  constructor(
    first: string,
    private readonly names: Keys,
  ) {
    this.all.push(first);
  }

  stream(name: string): number {
    let number = this.streams.get(name);
    if (number === undefined) {
      this.streams.set(name, (number = this.all.push(this.names.stream(name))));
    }
    return number;
  }

  /** Each message has its own key. */
  done(claim: CompletionKey): number {
    return this.all.push(this.names.done(claim));
  }

  delays(name: string): { readonly delayed: number; readonly entries: number } {
    let numbers = this.delayed.get(name);
    if (!numbers) {
      const { delayed, entries } = this.names.delays(name);
      numbers = { delayed: this.all.push(delayed), entries: this.all.push(entries) };
      this.delayed.set(name, numbers);
    }
    return numbers;
  }
}
