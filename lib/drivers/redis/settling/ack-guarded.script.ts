import type { Redis } from 'ioredis';
import type { Guard } from '../../../core/guard.js';
import { Script } from '../scripting/script.js';

/**
 * Acknowledges entries where the guards hold.
 *
 * - KEYS: the stream.
 * - ARGV: group; ids.
 * - Result: `settled`.
 *
 * Why a script: otherwise a guard could fail between the check and the acknowledgement.
 */
const script = new Script(`
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
return 'settled'
`);

/** Entries of one key that are acknowledged. */
export interface GuardedAcks {
  readonly key: string;
  readonly group: string;
  readonly ids: readonly string[];
  readonly guards: readonly Guard[];
}

export async function ackGuarded(
  client: Redis,
  { key, group, ids, guards }: GuardedAcks,
): Promise<'settled' | 'lost'> {
  const word = (await script.run(client, [key], [group, ...ids], guards)) as 'settled' | null;
  return word ?? 'lost';
}
