import type { Redis } from 'ioredis';
import type { HandOverOutcome, Receiver } from '../../../ports/live-consumers.js';
import { Script } from '../scripting/script.js';
import { ANNOUNCED, KEPT, MATCHES } from '../scripting/announcement.js';
import { FENCE } from '../scripting/fence.js';
import { HANDED, type HandedKind } from '../scripting/handed.js';

/**
 * Makes entries pending to another consumer, each with the delivery count that it keeps, and
 * notifies that consumer. The claim comes before the first write that takes memory: where the
 * server has none, nothing is half done.
 *
 * - KEYS: the stream of the entries; the hash of its consumers; its handed entries.
 * - ARGV: group; consumer; receiver; instance of the receiver; maximum of entries that may wait
 *   for the receiver; kind of the stream; channel and message to publish there; then id,
 *   delivery count, delivery count to keep and event type of each entry.
 * - Result: for each entry `handed`, `refused`, `full`, `trimmed`, `lost` or `gone`.
 *
 * Why a script: otherwise the receiver could close, or this consumer lose the entry, between the
 * check and the claim.
 */
const script = new Script(`${FENCE}${ANNOUNCED}${MATCHES}${HANDED}
local key, group, me, to, kind = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local receiver = announced(redis.call('HGET', KEYS[2], to))
local able = receiver and receiver.alive and receiver.state == 'live' and receiver.instance == ARGV[4]
local events = able and cjson.decode(receiver.json).events or {}
local function handles(event)
  for _, pattern in ipairs(events) do
    if matches(pattern, event) then return true end
  end
  return false
end
local waiting, words, handed = redis.call('ZLEXCOUNT', KEYS[3], waiting_of(to)), {}, false
for i = 9, #ARGV, 4 do
  local id, count, keep, event = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local word = fence(key, group, me, id, count)
  if word == 'held' then
    if not able or not handles(event) then
      word = 'refused'
    elseif waiting >= tonumber(ARGV[5]) then
      word = 'full'
    elseif #redis.call('XCLAIM', key, group, to, 0, id, 'IDLE', 0, 'RETRYCOUNT', keep, 'JUSTID') == 0 then
      word = 'trimmed'
    else
      redis.call('ZADD', KEYS[3], 0, member_of(to, kind, id))
      word, waiting, handed = 'handed', waiting + 1, true
    end
  end
  words[#words + 1] = word
end
if handed then
  redis.call('PEXPIRE', KEYS[3], ${KEPT})
  redis.pcall('PUBLISH', ARGV[7], ARGV[8])
end
return words
`);

/** Maximum of entries in one run of the script. */
export const HAND_OVER_AT_ONCE = 200;

export interface HandingOver {
  readonly key: string;
  readonly kind: HandedKind;
  readonly consumers: string;
  readonly handed: string;
  readonly group: string;
  readonly consumer: string;
  readonly to: Receiver;
  readonly maxWaiting: number;
  readonly channel: string;
  /** Name of the stream: the message that is published on the channel. */
  readonly stream: string;
  readonly entries: readonly {
    readonly id: string;
    readonly count: number;
    /** Delivery count that the entry keeps. */
    readonly keep: number;
    readonly eventType: string;
  }[];
}

/** `trimmed`: the entry was deleted, and is no longer pending. */
export async function handOver(
  client: Redis,
  handing: HandingOver,
): Promise<(HandOverOutcome | 'trimmed')[]> {
  const { key, kind, consumers, handed, group, consumer, to, maxWaiting, channel } = handing;
  const head = [group, consumer, to.consumer, to.instance, maxWaiting, kind, channel];
  const flat = handing.entries.flatMap(({ id, count, keep, eventType }) => [
    ...[id, count, keep, eventType],
  ]);
  const args = [...head, handing.stream, ...flat];
  return (await script.run(client, [key, consumers, handed], args)) as HandOverOutcome[];
}
