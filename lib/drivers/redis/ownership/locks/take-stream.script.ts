import type { Redis } from 'ioredis';
import type { TakeOutcome } from '../../../../ports/stream-locks.js';
import { Script } from '../../scripting/script.js';
import { RAISE, TOKEN_IS_KNOWN_FOR } from './stream-token.js';
import { MINE } from '../inputs/pending-input.js';
import { TRY } from '../../scripting/try.js';

/**
 * Takes a data stream: lock, input, token, in this order, as other programs of this protocol do.
 * Where the stream is owned through another input, checks the lock of that input, whose name
 * differs in the id only.
 *
 * - KEYS: the lock; the inputs; the fence; the assignment.
 * - ARGV: consumer; group; id; lease in milliseconds; 1 to take only a stream whose input is
 *   pending to this consumer.
 * - Result: { word, token }. Words: `taken`, `held`, `busy`, `gone`. Only `taken` has a token.
 *
 * Why a script: otherwise two consumers could both find the stream free, and both take it.
 */
const script = new Script(`${TRY}${RAISE}${MINE}
local lock, input, fence, assignment = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local me, group, id = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', lock) == 1 then return { 'held' } end
local other = redis.call('GET', assignment)
if other and other ~= id then
  local name = string.sub(lock, 1, #lock - #id) .. other
  if redis.call('EXISTS', name) == 1 then return { 'busy' } end
end
local whose = mine(input, group, id, me)
if whose == 'gone' or (whose == 'lost' and ARGV[5] == '1') then return { 'gone' } end
redis.call('SET', lock, me, 'PX', ARGV[4])
if whose == 'lost' and #redis.call('XCLAIM', input, group, me, 0, id, 'JUSTID') == 0 then
  redis.call('DEL', lock)
  return { 'gone' }
end
redis.call('SET', assignment, id, 'PX', ${TOKEN_IS_KNOWN_FOR})
return { 'taken', raise(fence) }
`);

/** The keys of a stream's ownership. */
export interface StreamKeys {
  readonly lock: string;
  readonly inputs: string;
  readonly fence: string;
  readonly assignment: string;
}

export interface Taking {
  readonly keys: StreamKeys;
  readonly consumer: string;
  readonly group: string;
  readonly id: string;
  readonly lease: number;
  readonly ours: boolean;
}

export async function takeStream(client: Redis, taking: Taking): Promise<TakeOutcome> {
  const { lock, inputs, fence, assignment } = taking.keys;
  const { consumer, group, id, lease, ours } = taking;
  const [word, token] = (await script.run(
    client,
    [lock, inputs, fence, assignment],
    [consumer, group, id, lease, ours ? 1 : 0],
  )) as [TakeOutcome['word'], string?];
  return word === 'taken' ? { word, token: Number(token) } : { word };
}
