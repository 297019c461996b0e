import type { Redis } from 'ioredis';
import { Script } from '../../scripting/script.js';
import { STREAMS_ONLY } from '../../scripting/streams-only.js';

/**
 * Moves an input to the dead letters of its service, while it is pending. Without fields it is
 * deleted without a dead letter.
 *
 * - KEYS: the inputs; the dead letters.
 * - ARGV: group; id; maximum of letters kept; fields.
 * - Result: `settled`, `gone` where the input is not pending, or the refusal where the key of
 *   the dead letters is no stream.
 *
 * Why a script: several consumers may find the same input: one of them moves it.
 */
const script = new Script(`${STREAMS_ONLY}
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 'gone' end
if #ARGV > 3 then
  local refusal = refuse_others(KEYS[2])
  if refusal then return refusal end
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', unpack(ARGV, 4))
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 'settled'
`);

/** The same number of letters that other programs of this protocol keep. */
export const MOST_LETTERS = 10_000;

export interface Discarding {
  readonly inputs: string;
  readonly deadLetters: string;
  readonly group: string;
  readonly id: string;
  /** The fields as they are stored. */
  readonly fields: readonly (string | Buffer)[];
}

/** @returns whether the input was pending */
export async function discardInput(client: Redis, discarding: Discarding): Promise<boolean> {
  const { inputs, deadLetters, group, id, fields } = discarding;
  const args = [group, id, MOST_LETTERS, ...fields];
  return (await script.run(client, [inputs, deadLetters], args)) === 'settled';
}
