import type { Redis } from 'ioredis';
import type { BalancerMember } from '../../../core/stream-ownership.js';
import { Script } from '../script.js';

/** One that has said nothing for so long is forgotten, ms. */
const FORGOTTEN_AFTER = 3_600_000;

/**
 * Says something of one consumer and answers what all have said. By the server's clock.
 * KEYS members. ARGV consumer, saying. Answers name, age in ms and saying of each, in turn.
 */
const script = new Script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ${FORGOTTEN_AFTER})
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
return out
`);

export async function meetMembers(
  client: Redis,
  key: string,
  consumer: string,
  saying: string,
): Promise<BalancerMember[]> {
  const flat = (await script.run(client, [key], [consumer, saying])) as (string | number)[];
  const members: BalancerMember[] = [];
  for (let at = 0; at < flat.length; at += 3) {
    const [name, age, said] = flat.slice(at, at + 3);
    members.push({ consumer: String(name), age: Number(age), said: String(said) });
  }
  return members;
}
