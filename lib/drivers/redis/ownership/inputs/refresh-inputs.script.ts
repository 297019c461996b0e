import type { Redis } from 'ioredis';
import { Script } from '../../scripting/script.js';
import { REFRESH, MINE } from './pending-input.js';
import { TRY } from '../../scripting/try.js';

/**
 * Makes inputs pending to a consumer and sets their idle time to zero, where they are still
 * pending to the consumer that is named.
 *
 * - KEYS: the inputs.
 * - ARGV: group; consumer; then for each input its id and the consumer to which it was pending.
 * - Result: `done`.
 *
 * Why a script: otherwise an input that a third consumer takes after the check would be taken
 * from it.
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
