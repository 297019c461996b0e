import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { XINFO_RECORD } from '../scripting/xinfo-record.js';

/**
 * Removes a consumer that has no pending entries.
 *
 * - KEYS: the stream.
 * - ARGV: group; consumer.
 * - Result: the number of entries pending to the consumer. 0: it is removed, or was not there.
 *
 * Why a script: otherwise the consumer could receive an entry after the check, and removing it
 * would lose that entry.
 */
const script = new Script(`${XINFO_RECORD}
local consumers = redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
for _, row in ipairs(consumers) do
  local consumer = record(row)
  if consumer.name == ARGV[2] then
    if consumer.pending > 0 then return consumer.pending end
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
  end
end
return 0
`);

export async function removeConsumer(
  client: Redis,
  names: { key: string; group: string; consumer: string },
): Promise<number> {
  const { key, group, consumer } = names;
  return (await script.run(client, [key], [group, consumer])) as number;
}
