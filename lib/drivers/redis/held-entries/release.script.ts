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
 * Gives an entry back: it looks idle for long, so that any consumer may take it, and its run is
 * not counted.
 *
 * - KEYS: the stream.
 * - ARGV: group; consumer; id; delivery count that the consumer knows; delivery count to leave;
 *   idle time to set, in milliseconds.
 * - Result: `settled`, `lost` or `gone`.
 *
 * Why a script: otherwise an entry that another consumer takes after the check would be given
 * away under its run.
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
