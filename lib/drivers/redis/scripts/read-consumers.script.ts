import type { Redis } from 'ioredis';
import { Script } from '../script.js';
import { ANNOUNCED } from './announcement.js';
import { TRY } from './try.js';
import { XINFO_RECORD } from './xinfo-record.js';

/**
 * KEYS stream, its consumers. ARGV group. Answers server time in ms, names and fields of what was
 * announced, and names and idle times of all consumers that the group knows.
 */
const script = new Script(`${TRY}${XINFO_RECORD}${ANNOUNCED}
local known = {}
local consumers = try('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if not consumers.err then
  for _, row in ipairs(consumers) do
    local consumer = record(row)
    known[#known + 1] = consumer.name
    known[#known + 1] = consumer.idle
  end
end
return { now, redis.call('HGETALL', KEYS[2]), known }
`);

export interface ConsumersRead {
  /** Server time, ms since the epoch. */
  readonly now: number;
  /** Fields by name. */
  readonly announced: ReadonlyMap<string, string>;
  /** Idle times of all consumers of the group by name, ms. */
  readonly idle: ReadonlyMap<string, number>;
}

export async function readConsumers(
  client: Redis,
  keys: { readonly stream: string; readonly consumers: string },
  group: string,
): Promise<ConsumersRead> {
  const reply = await script.run(client, [keys.stream, keys.consumers], [group]);
  const [now, announced, idle] = reply as [number, string[], (string | number)[]];
  return { now, announced: pairs(announced), idle: pairs(idle) as Map<string, number> };
}

function pairs<T>(flat: readonly T[]): Map<string, T> {
  const found = new Map<string, T>();
  for (let at = 0; at < flat.length; at += 2) found.set(String(flat[at]), flat[at + 1]!);
  return found;
}
