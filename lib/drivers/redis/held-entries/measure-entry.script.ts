import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/**
 * Measures the fields of an entry without sending them.
 *
 * - KEYS: the stream.
 * - ARGV: id.
 * - Result: the size in bytes; 0 where the entry is gone.
 *
 * Why a script: the entry is measured on the server because it may be too large for a reply.
 */
const script = new Script(`
local entry, size = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1], 0
for _, text in ipairs(entry and entry[2] or {}) do size = size + #text end
return size
`);

export function measureEntry(client: Redis, key: string, id: string): Promise<number> {
  return script.run(client, [key], [id]) as Promise<number>;
}
