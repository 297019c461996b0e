import type { Redis } from 'ioredis';
import type { Guard } from '../../../core/guard.js';
import { DONE, type DoneKeys } from '../completions/done-keys.js';
import { pack, UNPACK } from '../scripting/packing.js';
import { Script } from '../scripting/script.js';
import { TRY } from '../scripting/try.js';

/**
 * Acknowledges entries, and marks their keys as completed. The acknowledgement comes first: a
 * server that is out of memory takes it, and with it what a script writes after it. Nothing else
 * can stop the script halfway.
 *
 * - KEYS: the stream.
 * - ARGV: packed: group; the time to remember the keys, in milliseconds; 1 where the entries are
 *   redriven and have to be deleted; the prefix of the done keys; number of entries; their ids;
 *   the rest of the done key of each.
 * - Result: `settled`.
 *
 * Why a script: otherwise a process that dies in between would leave a handled message that runs
 * again, or a completed key whose entry stays pending.
 */
const script = new Script(`${UNPACK}${TRY}
local key, group, ttl, redriven, prefix, count = KEYS[1], unpack(ARGV, 1, 5)
local last = 5 + count
try('XACK', key, group, unpack(ARGV, 6, last))
if redriven == 1 then
  redis.call('XDEL', key, unpack(ARGV, 6, last))
  if redis.call('XLEN', key) == 0 then
    redis.call('DEL', key)
  end
end
for i = last + 1, last + count do
  redis.call('SET', prefix .. ARGV[i], '${DONE}', 'PX', ttl)
end
return 'settled'
`);

export interface Acknowledging {
  readonly key: string;
  readonly group: string;
  readonly redriven: boolean;
  /** How long the completion is remembered, in milliseconds. */
  readonly ttl: number;
  /** At most `KEYS_AT_ONCE`. */
  readonly ids: readonly string[];
  /** One for each id. */
  readonly done: DoneKeys;
  readonly guards: readonly Guard[];
}

export async function ackAndComplete(
  client: Redis,
  acks: Acknowledging,
): Promise<'settled' | 'lost'> {
  const { key, group, redriven, ttl, ids, done, guards } = acks;
  const args = pack((list) => {
    list.text(group);
    list.number(ttl);
    list.number(redriven ? 1 : 0);
    list.text(done.prefix);
    list.number(ids.length);
    for (const id of ids) list.text(id);
    for (const name of done.names) list.text(name);
  });
  const word = (await script.run(client, [key], [args], guards)) as 'settled' | null;
  return word ?? 'lost';
}
