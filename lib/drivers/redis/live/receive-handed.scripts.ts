import { chunksOf } from '../../../core/chunks.js';
import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import { KEPT } from '../scripting/announcement.js';
import { HANDED, type HandedKind } from '../scripting/handed.js';
import { TRY } from '../scripting/try.js';

/** An entry that is given back is idle for a day, so that the next look of any consumer takes it. */
const ONE_DAY = 86_400_000;

/**
 * Lua: `mine(key, id)`, the pending record of an entry where it is still ours; `page(set, most)`, some
 * members of ours, from the one behind `after` on, where that is given.
 */
const MINE = `${TRY}${HANDED}
local group, me = ARGV[1], ARGV[2]
local function mine(key, id)
  local rows = try('XPENDING', key, group, id, id, 1, me)
  if rows.err then return nil end
  return rows[1]
end
local function page(set, most, after)
  local from, to = waiting_of(me)
  if after and after ~= '' then from = '(' .. after end
  return redis.call('ZRANGE', set, from, to, 'BYLEX', 'LIMIT', 0, most)
end
`;

/**
 * Takes some of what waits off the list. KEYS stream, redrive stream, handed entries. ARGV group,
 * consumer, most entries. Answers how many wait still, then kind, id and count of each that is
 * pending to this consumer.
 */
const taking = new Script(`${MINE}
local out = { 0 }
for _, member in ipairs(page(KEYS[3], ARGV[3])) do
  redis.call('ZREM', KEYS[3], member)
  local kind, id = kind_and_id(me, member)
  local row = mine(kind == 'r' and KEYS[2] or KEYS[1], id)
  if row then
    out[#out + 1] = kind
    out[#out + 1] = id
    out[#out + 1] = row[4]
  end
end
out[1] = redis.call('ZLEXCOUNT', KEYS[3], waiting_of(me))
return out
`);

/**
 * Sets the idle time of what waits, and takes off the list what is pending to another consumer by now.
 * KEYS stream, redrive stream, handed entries. ARGV group, consumer, idle ms, '1' to take all off the
 * list, most entries, member to begin behind. Answers the last member, or '' where that was the last.
 */
const ageing = new Script(`${MINE}
local members = page(KEYS[3], ARGV[5], ARGV[6])
if #members == 0 then return '' end
redis.call('PEXPIRE', KEYS[3], ${KEPT})
for _, member in ipairs(members) do
  local kind, id = kind_and_id(me, member)
  local key, kept = kind == 'r' and KEYS[2] or KEYS[1], {}
  if mine(key, id) then
    kept = redis.call('XCLAIM', key, group, me, 0, id, 'IDLE', ARGV[3], 'JUSTID')
  end
  if #kept == 0 or ARGV[4] == '1' then redis.call('ZREM', KEYS[3], member) end
end
if #members < tonumber(ARGV[5]) then return '' end
return members[#members]
`);

/** Of many streams. KEYS handed entries of each. ARGV group, consumer. Answers how many wait in each. */
const counting = new Script(`${HANDED}
local counts = {}
for i, set in ipairs(KEYS) do counts[i] = redis.call('ZLEXCOUNT', set, waiting_of(ARGV[2])) end
return counts
`);

/** Of one stream. KEYS handed entries. ARGV group, consumer, kind. Answers the ids. */
const listing = new Script(`${HANDED}
local from, to = waiting_of(ARGV[2], ARGV[3])
local ids = redis.call('ZRANGE', KEYS[1], from, to, 'BYLEX')
for i, member in ipairs(ids) do
  local _, id = kind_and_id(ARGV[2], member)
  ids[i] = id
end
return ids
`);

/** Most entries in one run of a script. */
const AT_ONCE = 500;

/** Whose entries are meant, and where. */
export interface Handed {
  readonly stream: string;
  readonly redrive: string;
  readonly handed: string;
  readonly group: string;
  readonly consumer: string;
}

export interface TakenHanded {
  readonly kind: HandedKind;
  readonly id: string;
  readonly count: number;
}

const keysOf = ({ stream, redrive, handed }: Handed): string[] => [stream, redrive, handed];

export async function takeHanded(
  client: Redis,
  from: Handed,
  most: number,
): Promise<{ readonly waiting: number; readonly taken: readonly TakenHanded[] }> {
  const args = [from.group, from.consumer, Math.min(most, AT_ONCE)];
  const [waiting, ...flat] = (await taking.run(client, keysOf(from), args)) as (string | number)[];
  const taken = chunksOf(flat, 3).map(([kind, id, count]) => ({
    kind: kind as HandedKind,
    id: String(id),
    count: Number(count),
  }));
  return { waiting: Number(waiting), taken };
}

/** Keeps some of what waits fresh. @returns where to go on, undefined at the end */
export function keepHanded(client: Redis, of: Handed, after = ''): Promise<string | undefined> {
  return age(client, of, [0, 0, AT_ONCE, after]);
}

/** Gives some of what waits back, uncharged. @returns whether there is more */
export async function giveBackHanded(client: Redis, of: Handed): Promise<boolean> {
  return (await age(client, of, [ONE_DAY, 1, AT_ONCE, ''])) !== undefined;
}

async function age(
  client: Redis,
  of: Handed,
  args: readonly (string | number)[],
): Promise<string | undefined> {
  const last = await ageing.run(client, keysOf(of), [of.group, of.consumer, ...args]);
  return last === '' ? undefined : String(last);
}

export async function countHanded(
  client: Redis,
  sets: readonly string[],
  { group, consumer }: Pick<Handed, 'group' | 'consumer'>,
): Promise<number[]> {
  return (await counting.run(client, sets, [group, consumer])) as number[];
}

/** Ids of all that wait, of one kind. */
export async function listHanded(client: Redis, of: Handed, kind: HandedKind): Promise<string[]> {
  return (await listing.run(client, [of.handed], [of.group, of.consumer, kind])) as string[];
}
