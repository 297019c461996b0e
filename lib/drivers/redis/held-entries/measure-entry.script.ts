import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/** Bytes of an entry's fields, without sending them. KEYS stream. ARGV id. Answers 0 where it is gone. */
const script = new Script(`
local entry, size = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1], 0
for _, text in ipairs(entry and entry[2] or {}) do size = size + #text end
return size
`);

export function measureEntry(client: Redis, key: string, id: string): Promise<number> {
  return script.run(client, [key], [id]) as Promise<number>;
}
