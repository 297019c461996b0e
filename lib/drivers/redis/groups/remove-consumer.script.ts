import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { XINFO_RECORD } from '../scripting/xinfo-record.js';

/**
 * Removes a consumer that has no pending entries. KEYS stream. ARGV group, consumer. Answers the
 * number of entries pending to it.
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
