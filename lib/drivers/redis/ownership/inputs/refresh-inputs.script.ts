import type { Redis } from 'ioredis';
import { Script } from '../../scripting/script.js';
import { REFRESH, MINE } from './pending-input.js';
import { TRY } from '../../scripting/try.js';

/**
 * Sets the idle time of inputs to zero and makes them pending to a consumer, where they are still
 * pending to the consumer that is named. KEYS inputs. ARGV group, consumer, then id of each input
 * and the consumer to which it was pending.
 */
const script = new Script(`${TRY}${MINE}${REFRESH}
for i = 3, #ARGV, 2 do
  if mine(KEYS[1], ARGV[1], ARGV[i], ARGV[i + 1]) == 'mine' then
    refresh(KEYS[1], ARGV[1], ARGV[i], ARGV[2])
  end
end
return 'done'
`);

/** Most inputs in one run of the script, so that it never blocks the server for long. */
export const INPUTS_AT_ONCE = 100;

export interface RefreshingInputs {
  readonly inputs: string;
  readonly group: string;
  readonly consumer: string;
  readonly rows: readonly { readonly id: string; readonly owner: string }[];
}

export async function refreshInputs(
  client: Redis,
  { inputs, group, consumer, rows }: RefreshingInputs,
): Promise<void> {
  const pairs = rows.flatMap(({ id, owner }) => [id, owner]);
  await script.run(client, [inputs], [group, consumer, ...pairs]);
}
