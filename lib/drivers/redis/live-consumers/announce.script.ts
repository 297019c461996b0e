import { chunksOf } from '../../../core/collections/chunks.js';
import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { ANNOUNCED, KEPT, WRITE_ANNOUNCEMENT } from '../scripting/announcement.js';

/**
 * Announces a consumer on many streams at once, or on none where another live consumer has its
 * name on one of them. Removes consumers that have been closed or dead for a day.
 *
 * - KEYS: the hash of consumers of each stream.
 * - ARGV: consumer; instance; time until the consumer counts as dead, in milliseconds; number of
 *   instances known to be gone; these instances; then state and JSON text for each stream.
 * - Result: the index of each stream where a live consumer has the name, with the field of that
 *   consumer and the server time in milliseconds.
 *
 * Why a script: otherwise two consumers could both find the name free, and both take it.
 */
const script = new Script(`${ANNOUNCED}${WRITE_ANNOUNCEMENT}
local consumer, instance, ttl, gone = ARGV[1], ARGV[2], tonumber(ARGV[3]), {}
local at = 5 + tonumber(ARGV[4])
for i = 5, at - 1 do gone[ARGV[i]] = true end
local since, taken = {}, {}
for i, key in ipairs(KEYS) do
  local fields = redis.call('HGETALL', key)
  for j = 1, #fields, 2 do
    local one = announced(fields[j + 1])
    if fields[j] == consumer then
      if one and one.instance == instance then
        if one.alive then since[i] = one.since end
      elseif one and one.alive and not gone[one.instance] then
        taken[#taken + 1] = i
        taken[#taken + 1] = fields[j + 1]
        taken[#taken + 1] = now
      end
    elseif one and tonumber(one.till) + ${KEPT} < now then
      redis.call('HDEL', key, fields[j])
    end
  end
end
if #taken > 0 then return taken end
for i, key in ipairs(KEYS) do
  local state, json = ARGV[at + 2 * i - 2], ARGV[at + 2 * i - 1]
  write(key, consumer, state, now + ttl, since[i] or now, instance, json)
end
return taken
`);

/** The field for one stream: key, state, and the rest as JSON. */
export interface AnnouncedField {
  readonly key: string;
  readonly state: string;
  readonly json: string;
}

export interface Announcing {
  readonly consumer: string;
  readonly instance: string;
  readonly timeToLive: number;
  /** Instances whose fields may be overwritten though they seem to be alive. */
  readonly gone: readonly string[];
  readonly fields: readonly AnnouncedField[];
}

/** A field of another consumer. */
export interface TakenField {
  /** Index among the fields that were to be written. */
  readonly place: number;
  readonly field: string;
  /** Server time when the field was read, in milliseconds since the epoch. */
  readonly now: number;
}

/**
 * @returns the fields of live consumers that have the name; where there are none, the consumer was
 * announced
 */
export async function announce(client: Redis, announcing: Announcing): Promise<TakenField[]> {
  const { consumer, instance, timeToLive, gone, fields } = announcing;
  const args = [consumer, instance, timeToLive, gone.length, ...gone];
  for (const { state, json } of fields) args.push(state, json);
  const keys = fields.map(({ key }) => key);
  const flat = (await script.run(client, keys, args)) as (string | number)[];
  return chunksOf(flat, 3).map(([place, field, now]) => ({
    place: Number(place) - 1,
    field: String(field),
    now: Number(now),
  }));
}
