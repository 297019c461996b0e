import type { Redis } from 'ioredis';
import type { SettleOutcome } from '../../../core/settlement.js';
import { Script } from '../scripting/script.js';
import { FENCE, type Fenced } from '../scripting/fence.js';

/**
 * Idle time of an entry that the next look takes over: a day, in milliseconds. A huge number would
 * reset to 0.
 */
const ONE_DAY = 86_400_000;

/**
 * Gives an entry back uncharged. KEYS stream. ARGV group, consumer, id, count, count to leave, idle.
 */
const script = new Script(`${FENCE}
local word = fence(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
if word ~= 'held' then return word end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'IDLE', ARGV[6], 'RETRYCOUNT', ARGV[5], 'JUSTID')
return 'settled'
`);

/** @param leave delivery count that the entry keeps */
export function release(client: Redis, run: Fenced, leave: number): Promise<SettleOutcome> {
  return recount(client, run, leave, ONE_DAY);
}

/**
 * Takes back a run that was counted and has not begun. The entry stays pending to this consumer.
 */
export function uncharge(client: Redis, run: Fenced): Promise<SettleOutcome> {
  return recount(client, run, run.count - 1, 0);
}

async function recount(
  client: Redis,
  run: Fenced,
  leave: number,
  idle: number,
): Promise<SettleOutcome> {
  const args = [run.group, run.consumer, run.id, run.count, leave, idle];
  return ((await script.run(client, [run.key], args, run.guards)) ?? 'lost') as SettleOutcome;
}
