import type { Redis } from 'ioredis';
import { Script } from '../script.js';
import { REFRESH } from './pending-input.js';
import { MINE } from './stream-token.js';
import { TRY } from './try.js';

/**
 * On a cluster, where locks stand apart: inputs that are pending to a consumer have been handed out
 * just now. KEYS inputs. ARGV consumer, group, ids.
 */
const script = new Script(`${TRY}${MINE}${REFRESH}
for i = 3, #ARGV do
  if mine(KEYS[1], ARGV[2], ARGV[i], ARGV[1]) == 'mine' then
    refresh(KEYS[1], ARGV[2], ARGV[i], ARGV[1])
  end
end
return 'done'
`);

export async function refreshInputs(
  client: Redis,
  inputs: string,
  consumer: string,
  group: string,
  ids: readonly string[],
): Promise<void> {
  await script.run(client, [inputs], [consumer, group, ...ids]);
}
