import type { Redis } from 'ioredis';
import type { Guard } from '../../../core/guard.js';
import { Script } from '../scripting/script.js';

/** Acknowledges entries where the guards hold. KEYS stream. ARGV group, ids. */
const script = new Script(`
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
return 1
`);

export async function ackGuarded(
  client: Redis,
  key: string,
  group: string,
  ids: readonly string[],
  guards: readonly Guard[],
): Promise<'settled' | 'lost'> {
  const acknowledged = await script.run(client, [key], [group, ...ids], guards);
  return acknowledged === null ? 'lost' : 'settled';
}
