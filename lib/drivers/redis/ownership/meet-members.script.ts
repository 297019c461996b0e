import { chunksOf } from '../../../core/collections/chunks.js';
import type { Redis } from 'ioredis';
import type { BalancerMember, HandedInput } from '../../../ports/balancer-members.js';
import { Script } from '../scripting/script.js';
import { HANDED_FOR } from './inputs/handed-inputs.js';

/** A consumer that has announced nothing for this time is removed, in milliseconds. */
const FORGOTTEN_AFTER = 3_600_000;

/**
 * Stores the announcement of one consumer, notes the inputs that were handed to it, and reads
 * the announcements and handed inputs of all consumers. Times are those of the server.
 *
 * - KEYS: the members; the handed inputs.
 * - ARGV: consumer; announcement; ids that are noted.
 * - Result: { name, age in milliseconds and announcement of each consumer, in turn }, { id,
 *   token and consumer of each handed input, in turn }.
 *
 * Why a script: otherwise another consumer could hand over an input that neither the
 * announcement nor the list counts.
 */
const script = new Script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ${FORGOTTEN_AFTER})
for i = 3, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
local all, out = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local at, said = string.match(all[i + 1], '^(%d+) (.*)$')
  local age = now - (tonumber(at) or 0)
  if age > ${FORGOTTEN_AFTER} then
    redis.call('HDEL', KEYS[1], all[i])
  else
    out[#out + 1] = all[i]
    out[#out + 1] = age
    out[#out + 1] = said
  end
end
local inputs, handed = redis.call('HGETALL', KEYS[2]), {}
for i = 1, #inputs, 2 do
  local token, at, to = string.match(inputs[i + 1], '^(%S+) (%d+) (.*)$')
  if not at or now - tonumber(at) > ${HANDED_FOR} then
    redis.call('HDEL', KEYS[2], inputs[i])
  else
    handed[#handed + 1] = inputs[i]
    handed[#handed + 1] = token
    handed[#handed + 1] = to
  end
end
return { out, handed }
`);

export interface MeetingMembers {
  readonly members: string;
  readonly handed: string;
  readonly consumer: string;
  readonly saying: string;
  readonly noted: readonly string[];
}

export async function meetMembers(
  client: Redis,
  { members: key, handed: inputs, consumer, saying, noted }: MeetingMembers,
): Promise<BalancerMember[]> {
  const reply = await script.run(client, [key, inputs], [consumer, saying, ...noted]);
  const [flat, handed] = reply as [(string | number)[], string[]];
  const byConsumer = new Map<string, HandedInput[]>();
  for (const [id, token, to] of chunksOf(handed, 3)) {
    const one = { id: String(id), token: Number(token) };
    byConsumer.set(String(to), [...(byConsumer.get(String(to)) ?? []), one]);
  }
  return chunksOf(flat, 3).map(([name, age, said]) => ({
    consumer: String(name),
    age: Number(age),
    said: String(said),
    handed: byConsumer.get(String(name)) ?? [],
  }));
}
