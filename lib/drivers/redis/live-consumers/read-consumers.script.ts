import type { Redis } from 'ioredis';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { Script } from '../scripting/script.js';
import { ANNOUNCED } from '../scripting/announcement.js';
import { TRY } from '../scripting/try.js';
import { XINFO_RECORD } from '../scripting/xinfo-record.js';

/**
 * Reads the consumers of groups.
 *
 * - KEYS: for each place the stream, and the hash of consumers of the group.
 * - ARGV: the groups.
 * - Result: for each place the server time in milliseconds, names and fields of the announced
 *   consumers, and names and idle times in milliseconds of all consumers that the group knows.
 *
 * Why a script: both lists and the time belong to the same moment: a consumer that joins in
 * between would look unannounced.
 */
const script = new Script(`${TRY}${XINFO_RECORD}${ANNOUNCED}
local out = {}
for i = 1, #KEYS, 2 do
  local known = {}
  local consumers = try('XINFO', 'CONSUMERS', KEYS[i], ARGV[(i + 1) / 2])
  if not consumers.err then
    for _, row in ipairs(consumers) do
      local consumer = record(row)
      if consumer.name ~= '${HELD_CONSUMER}' then
        known[#known + 1] = consumer.name
        known[#known + 1] = consumer.idle
      end
    end
  end
  out[#out + 1] = { now, redis.call('HGETALL', KEYS[i + 1]), known }
end
return out
`);

/** A stream and its consumers in a group. */
export interface ConsumersPlace {
  readonly stream: string;
  readonly consumers: string;
  readonly group: string;
}

export interface ConsumersRead {
  /** Server time, in milliseconds since the epoch. */
  readonly now: number;
  /** Fields by name. */
  readonly announced: ReadonlyMap<string, string>;
  /** Idle times of all consumers of the group by name, in milliseconds. */
  readonly idle: ReadonlyMap<string, number>;
}

export async function readConsumers(
  client: Redis,
  places: readonly ConsumersPlace[],
): Promise<ConsumersRead[]> {
  const keys = places.flatMap(({ stream, consumers }) => [stream, consumers]);
  const groups = places.map(({ group }) => group);
  const rows = (await script.run(client, keys, groups)) as Row[];
  return rows.map(([now, announced, idle]) => ({
    now,
    announced: pairs(announced),
    idle: pairs(idle) as Map<string, number>,
  }));
}

type Row = [now: number, announced: string[], idle: (string | number)[]];

function pairs<T>(flat: readonly T[]): Map<string, T> {
  const found = new Map<string, T>();
  for (let at = 0; at < flat.length; at += 2) found.set(String(flat[at]), flat[at + 1]!);
  return found;
}
