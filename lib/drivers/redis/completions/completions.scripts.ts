import type { Redis } from 'ioredis';
import type { ClaimOutcome } from '../../../ports/completions.js';
import type { Guard } from '../../../core/guard.js';
import { Script } from '../scripting/script.js';
import { pack, UNPACK } from '../scripting/packing.js';
import { TRY } from '../scripting/try.js';

/** Most keys in one run of a script, so that it never blocks the server for long. */
export const KEYS_AT_ONCE = 500;

/** What a key holds that was completed. No owner is written like this. */
export const DONE = 'done';

/**
 * Claims. KEYS the first done key, for its slot. ARGV, packed: lease in ms, owner, what done keys begin
 * with, what they began with in version 0.1.0 or an empty text, then how each goes on. Answers, for
 * keys that were there, the place and a word or the text of an error, in turn.
 */
const claiming = new Script(`${UNPACK}${TRY}
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

/** Extends claims. KEYS done keys. ARGV lease in ms, owner. Answers 1 for what is still his. */
const extending = new Script(`
local kept = {}
for i = 1, #KEYS do
  kept[i] = 0
  if redis.call('GET', KEYS[i]) == ARGV[2] then
    kept[i] = redis.call('PEXPIRE', KEYS[i], ARGV[1])
  end
end
return kept
`);

/** Gives claims back. KEYS done keys. ARGV owner. */
const releasing = new Script(`
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then
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
 * KEYS stream. ARGV, packed: group, for how long it is remembered in ms, 1 where the entries are
 * redriven and have to be deleted, what done keys begin with, number of entries, their ids, and how
 * the done key of each goes on.
 */
const acknowledging = new Script(`${UNPACK}${TRY}
local key, group, ttl, redriven, prefix, count = KEYS[1], unpack(ARGV, 1, 5)
local last = 5 + count
try('XACK', key, group, unpack(ARGV, 6, last))
if redriven == 1 then
  redis.call('XDEL', key, unpack(ARGV, 6, last))
  if redis.call('XLEN', key) == 0 then
    redis.call('DEL', key)
  end
end
for i = last + 1, last + count do
  redis.call('SET', prefix .. ARGV[i], '${DONE}', 'PX', ttl)
end
return count
`);

/** Done keys of one handler, in one slot of a cluster: what they begin with, and how each goes on. */
export interface DoneKeys {
  readonly prefix: string;
  /** What they began with in version 0.1.0, where that is looked at. */
  readonly former?: string | undefined;
  readonly names: readonly string[];
}

const keysOf = ({ prefix, names }: DoneKeys): string[] => names.map((name) => prefix + name);

/** A done key, and for how long it is remembered, ms. */
export interface DoneKey {
  readonly key: string;
  readonly ttl: number;
}

export async function claimKeys(
  client: Redis,
  { prefix, former = '', names }: DoneKeys,
  owner: string,
  lease: number,
): Promise<(ClaimOutcome | Error)[]> {
  const args = pack((list) => {
    list.number(lease);
    list.text(owner);
    list.text(prefix);
    list.text(former);
    for (const name of names) list.text(name);
  });
  const found = (await claiming.run(client, [prefix + names[0]], [args])) as (number | string)[];
  const outcomes = new Array<ClaimOutcome | Error>(names.length).fill('claimed');
  for (let at = 0; at < found.length; at += 2) {
    const word = String(found[at + 1]);
    outcomes[Number(found[at]) - 1] = isOutcome(word) ? word : new Error(word);
  }
  return outcomes;
}

export async function extendKeys(
  client: Redis,
  done: DoneKeys,
  owner: string,
  lease: number,
): Promise<boolean[]> {
  const kept = (await extending.run(client, keysOf(done), [lease, owner])) as number[];
  return kept.map((one) => one === 1);
}

export async function releaseKeys(client: Redis, done: DoneKeys, owner: string): Promise<void> {
  await releasing.run(client, keysOf(done), [owner]);
}

export async function completeKeys(client: Redis, done: readonly DoneKey[]): Promise<void> {
  const keys = done.map(({ key }) => key);
  const times = done.map(({ ttl }) => ttl);
  await completing.run(client, keys, times);
}

export async function doneAlready(client: Redis, key: string): Promise<boolean> {
  return (await client.get(key)) === DONE;
}

export interface Acknowledging {
  readonly key: string;
  readonly group: string;
  readonly redriven: boolean;
  readonly ttl: number;
  /** {@link KEYS_AT_ONCE} at most. */
  readonly ids: readonly string[];
  /** One for each id. */
  readonly done: DoneKeys;
  readonly guards: readonly Guard[];
}

export async function ackAndComplete(
  client: Redis,
  acks: Acknowledging,
): Promise<'settled' | 'lost'> {
  const { key, group, redriven, ttl, ids, done, guards } = acks;
  const args = pack((list) => {
    list.text(group);
    list.number(ttl);
    list.number(redriven ? 1 : 0);
    list.text(done.prefix);
    list.number(ids.length);
    for (const id of ids) list.text(id);
    for (const name of done.names) list.text(name);
  });
  const acknowledged = await acknowledging.run(client, [key], [args], guards);
  return acknowledged === null ? 'lost' : 'settled';
}

const isOutcome = (word: string): word is ClaimOutcome =>
  word === 'own' || word === 'held' || word === 'done';
