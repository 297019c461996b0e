import type { Redis } from 'ioredis';
import { Script } from '../../scripting/script.js';
import { RAISE, TOKEN_IS_KNOWN_FOR } from './stream-token.js';

/**
 * On a cluster: raises the token of a data stream, for an owner that has the lock and the input,
 * or, with an empty id, so that the stream has no owner.
 *
 * - KEYS: the fence; the assignment.
 * - ARGV: id; token that the stream must have, or an empty text.
 * - Result: the new token, or an empty text where the token was another one.
 *
 * Why a script: otherwise two owners could read the same token, and both raise it to the same
 * number.
 */
const script = new Script(`${RAISE}
if ARGV[2] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[2] then return '' end
local token = raise(KEYS[1])
if ARGV[1] == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ${TOKEN_IS_KNOWN_FOR})
end
return token
`);

export interface RaisingToken {
  readonly fence: string;
  readonly assignment: string;
  /** Undefined: the stream has no owner from now on. */
  readonly id?: string;
  /** Raise the token only where it is this one. */
  readonly from?: number;
}

export async function raiseToken(
  client: Redis,
  raising: RaisingToken,
): Promise<number | undefined> {
  const { fence, assignment, id = '', from = '' } = raising;
  const token = await script.run(client, [fence, assignment], [id, from]);
  return token === '' ? undefined : Number(token);
}
