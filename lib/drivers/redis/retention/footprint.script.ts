import type { Redis } from 'ioredis';
import type { StreamFootprint } from '../../../ports/retention.js';
import { Script } from '../scripting/script.js';

/** Maximum of entries to count. The script counts them one by one. */
const COUNTED = 100;

/**
 * Measures a stream, and counts its entries before an id.
 *
 * - KEYS: the stream.
 * - ARGV: id; maximum of entries to count.
 * - Result: { size in bytes, number of entries before the id or -1 where there are more than the
 *   maximum }; nothing where the stream is missing.
 *
 * Why a script: the entries are counted on the server, without sending them.
 */
const script = new Script(`
local bytes = redis.call('MEMORY', 'USAGE', KEYS[1])
if not bytes then return false end
if ARGV[1] == '0-0' then return { bytes, 0 } end
local before = #redis.call('XRANGE', KEYS[1], '-', '(' .. ARGV[1], 'COUNT', ARGV[2] + 1)
if before > tonumber(ARGV[2]) then before = -1 end
return { bytes, before }
`);

export async function footprint(
  client: Redis,
  key: string,
  before: string,
): Promise<StreamFootprint | undefined> {
  const reply = (await script.run(client, [key], [before, COUNTED])) as [number, number] | null;
  if (!reply) return undefined;
  const [bytes, count] = reply;
  return { bytes, before: count < 0 ? null : count };
}
