import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { ANNOUNCED, WRITE_ANNOUNCEMENT } from '../scripting/announcement.js';
import type { AnnouncedField } from './announce.script.js';

/**
 * Changes the fields of one consumer, each only while the field belongs to the instance of the
 * consumer.
 *
 * - KEYS: the hash of consumers of each stream.
 * - ARGV: consumer; instance; time until the consumer counts as dead, in milliseconds; then for
 *   a change the state and JSON text for each stream.
 * - Result: for each stream `kept`; `expired` where the field was not refreshed in time;
 *   `missing`; or `taken` by another instance.
 *
 * Why a script: otherwise another consumer could take the name between the check and the write,
 * and lose its announcement.
 */
const own = (act: string): Script =>
  new Script(`${ANNOUNCED}${WRITE_ANNOUNCEMENT}
local consumer, instance, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3] or 0)
local words = {}
for i, key in ipairs(KEYS) do
  local one = announced(redis.call('HGET', key, consumer))
  words[i] = 'kept'
  if not one then
    words[i] = 'missing'
  elseif one.instance ~= instance then
    words[i] = 'taken'
  else
    local since = one.alive and one.since or now
    ${act}
  end
end
return words
`);

const refreshing = own(`if one.state ~= 'closed' then
      if not one.alive then words[i] = 'expired' end
      write(key, consumer, one.state, now + ttl, since, instance, one.json)
    end`);
const changing = own(
  'write(key, consumer, ARGV[2 * i + 2], now + ttl, since, instance, ARGV[2 * i + 3])',
);
const closing = own("write(key, consumer, 'closed', now, one.since, instance, one.json)");
const withdrawing = own("redis.call('HDEL', key, consumer)");

export type Kept = 'kept' | 'expired' | 'missing' | 'taken';

/** A consumer's own fields. */
export interface OwnFields {
  readonly consumer: string;
  readonly instance: string;
  readonly keys: readonly string[];
}

const run = (
  script: Script,
  client: Redis,
  { consumer, instance, keys }: OwnFields,
  args: readonly (string | number)[] = [],
): Promise<Kept[]> => script.run(client, keys, [consumer, instance, ...args]) as Promise<Kept[]>;

/** Keeps the fields for another `timeToLive`. A field that had expired begins anew. */
export const refreshAnnounced = (
  client: Redis,
  fields: OwnFields,
  timeToLive: number,
): Promise<Kept[]> => run(refreshing, client, fields, [timeToLive]);

/** Changes the content of the fields. */
export const changeAnnounced = (
  client: Redis,
  own: Omit<OwnFields, 'keys'> & { readonly fields: readonly AnnouncedField[] },
  timeToLive: number,
): Promise<Kept[]> => {
  const keys = own.fields.map(({ key }) => key);
  const said = own.fields.flatMap(({ state, json }) => [state, json]);
  return run(changing, client, { ...own, keys }, [timeToLive, ...said]);
};

/** Marks the consumer as closed. */
export const closeAnnounced = (client: Redis, fields: OwnFields): Promise<Kept[]> =>
  run(closing, client, fields);

/** Removes the fields, as if the consumer had never been announced. */
export const withdrawAnnounced = (client: Redis, fields: OwnFields): Promise<Kept[]> =>
  run(withdrawing, client, fields);
