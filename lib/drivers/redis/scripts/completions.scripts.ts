import type { Redis } from 'ioredis';
import type { ClaimOutcome } from '../../../core/completions.js';
import { Script } from '../script.js';
import { TRY } from './try.js';

/** Most keys in one run of a script, so that it never blocks the server for long. */
export const KEYS_AT_ONCE = 500;

/** What a key holds that was completed. No owner is written like this. */
const DONE = 'done';

/** Claims. KEYS done keys. ARGV lease in ms, then an owner per key. Answers a word, or an error text, per key. */
const claiming = new Script(`${TRY}
local words = {}
for i = 1, #KEYS do
  local owner = ARGV[i + 1]
  local found = try('SET', KEYS[i], owner, 'NX', 'GET', 'PX', ARGV[1])
  if not found then
    words[i] = 'claimed'
  elseif type(found) == 'table' then
    words[i] = found.err
  elseif found == '${DONE}' then
    words[i] = 'done'
  elseif found == owner then
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
    words[i] = 'claimed'
  else
    words[i] = 'held'
  end
end
return words
`);

/** Extends claims. KEYS done keys. ARGV lease in ms, then an owner per key. Answers 1 for what is still his. */
const extending = new Script(`
local kept = {}
for i = 1, #KEYS do
  kept[i] = 0
  if redis.call('GET', KEYS[i]) == ARGV[i + 1] then
    kept[i] = redis.call('PEXPIRE', KEYS[i], ARGV[1])
  end
end
return kept
`);

/** Gives claims back. KEYS done keys. ARGV an owner per key. */
const releasing = new Script(`
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i] then
    redis.call('DEL', KEYS[i])
  end
end
return #KEYS
`);

/** Marks as completed, whoever works on it. KEYS done keys. ARGV for how long in ms, per key. */
const completing = new Script(`
for i = 1, #KEYS do
  redis.call('SET', KEYS[i], '${DONE}', 'PX', ARGV[i])
end
return #KEYS
`);

/**
 * Acknowledges, and marks as completed. The acknowledgement comes first: a server that is out of
 * memory takes it, and with it what a script writes after it; nothing else can stop halfway here.
 * KEYS stream, done keys. ARGV group, 1 where the entries are redriven and have to be deleted, then
 * an id and for how long it is remembered in ms, in turn, per key.
 */
const acknowledging = new Script(`${TRY}
local ids = {}
for i = 3, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
try('XACK', KEYS[1], ARGV[1], unpack(ids))
if ARGV[2] == '1' then
  redis.call('XDEL', KEYS[1], unpack(ids))
  if redis.call('XLEN', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[1])
  end
end
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], '${DONE}', 'PX', ARGV[2 * i])
end
return #ids
`);

/** A done key, and whose claim it is. */
export interface OwnedKey {
  readonly key: string;
  readonly owner: string;
}

/** A done key, and for how long it is remembered, ms. */
export interface DoneKey {
  readonly key: string;
  readonly ttl: number;
}

export async function claimKeys(
  client: Redis,
  claims: readonly OwnedKey[],
  lease: number,
): Promise<(ClaimOutcome | Error)[]> {
  const words = (await claiming.run(client, keysOf(claims), [
    lease,
    ...ownersOf(claims),
  ])) as string[];
  return words.map((word) => (isOutcome(word) ? word : new Error(word)));
}

export async function extendKeys(
  client: Redis,
  claims: readonly OwnedKey[],
  lease: number,
): Promise<boolean[]> {
  const kept = await extending.run(client, keysOf(claims), [lease, ...ownersOf(claims)]);
  return (kept as number[]).map((one) => one === 1);
}

export async function releaseKeys(client: Redis, claims: readonly OwnedKey[]): Promise<void> {
  await releasing.run(client, keysOf(claims), ownersOf(claims));
}

export async function completeKeys(client: Redis, done: readonly DoneKey[]): Promise<void> {
  await completing.run(
    client,
    keysOf(done),
    done.map(({ ttl }) => ttl),
  );
}

export interface Acknowledging {
  readonly key: string;
  readonly group: string;
  readonly redriven: boolean;
  /** {@link KEYS_AT_ONCE} at most. */
  readonly entries: readonly (DoneKey & { readonly id: string })[];
}

export async function ackAndComplete(client: Redis, acks: Acknowledging): Promise<void> {
  const { key, group, redriven, entries } = acks;
  // 'done key' (entries[n].key) belongs to the id at the same place.
  const args: (string | number)[] = [group, redriven ? 1 : 0];
  const keys: string[] = [key];
  for (const entry of entries) {
    keys.push(entry.key);
    args.push(entry.id, entry.ttl);
  }
  await acknowledging.run(client, keys, args);
}

/**
 * Makes of a script that settles one entry one that also marks it as completed: its done key stands
 * behind the other keys, for how long it is remembered behind the other arguments. Where somebody
 * has completed it before, `acknowledge` is run instead of it.
 */
export const completed = (settle: string, acknowledge: string): string => `
local done_key, done_ttl = table.remove(KEYS), table.remove(ARGV)
local function settle()
${settle}
end
if redis.call('GET', done_key) == '${DONE}' then
  ${acknowledge}
  return 'settled'
end
local word = settle()
if word == 'settled' then
  redis.call('SET', done_key, '${DONE}', 'PX', done_ttl)
end
return word
`;

const isOutcome = (word: string): word is ClaimOutcome =>
  word === 'claimed' || word === 'held' || word === 'done';

const keysOf = (keys: readonly { readonly key: string }[]): string[] => keys.map(({ key }) => key);
const ownersOf = (claims: readonly OwnedKey[]): string[] => claims.map(({ owner }) => owner);
