import type { Redis } from 'ioredis';
import type { ClaimOutcome } from '../../../ports/completions.js';
import { Script } from '../scripting/script.js';
import { pack, UNPACK } from '../scripting/packing.js';
import { TRY } from '../scripting/try.js';
import { DONE, type DoneKeys } from './done-keys.js';

/**
 * Claims the done keys of messages for one owner, until the lease ends. Extends claims that the
 * owner has already. A key that is completed, or that another owner has claimed, is left alone.
 *
 * - KEYS: the first done key. It only says to which slot the others belong.
 * - ARGV: packed: lease in milliseconds; owner; the prefix of the done keys; their prefix in
 *   version 0.1.0, or an empty text; then the rest of each key.
 * - Result: for each key that existed, its index, counted from 1, and `held`, `done`, `own` or
 *   the text of an error, in turn.
 *
 * Why a script: one command serves many keys. Otherwise another owner could claim a key between
 * the look at its name of version 0.1.0 and the claim.
 */
const script = new Script(`${UNPACK}${TRY}
local lease, owner, prefix, former = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local found = {}
for i = 5, #ARGV do
  local key = prefix .. ARGV[i]
  local held = former ~= '' and redis.pcall('GET', former .. ARGV[i])
  if not held or held == owner then
    held = redis.pcall('SET', key, owner, 'NX', 'GET', 'PX', lease)
  end
  if held then
    local word = 'held'
    if type(held) == 'table' then
      held = named(held, 'SET')
      word = held.err
    elseif held == '${DONE}' then
      word = 'done'
    elseif held == owner then
      redis.call('PEXPIRE', key, lease)
      word = 'own'
    end
    found[#found + 1] = i - 4
    found[#found + 1] = word
  end
end
return found
`);

export interface ClaimingKeys {
  readonly done: DoneKeys;
  readonly owner: string;
  /** In milliseconds. */
  readonly lease: number;
}

export async function claimKeys(
  client: Redis,
  { done: { prefix, former = '', names }, owner, lease }: ClaimingKeys,
): Promise<(ClaimOutcome | Error)[]> {
  const args = pack((list) => {
    list.number(lease);
    list.text(owner);
    list.text(prefix);
    list.text(former);
    for (const name of names) list.text(name);
  });
  const found = (await script.run(client, [prefix + names[0]], [args])) as (number | string)[];
  const outcomes = new Array<ClaimOutcome | Error>(names.length).fill('claimed');
  for (let at = 0; at < found.length; at += 2) {
    const word = String(found[at + 1]);
    outcomes[Number(found[at]) - 1] = isOutcome(word) ? word : new Error(word);
  }
  return outcomes;
}

const isOutcome = (word: string): word is ClaimOutcome =>
  word === 'own' || word === 'held' || word === 'done';
