import type { Redis } from 'ioredis';
import { KEPT } from '../scripting/announcement.js';
import { Script } from '../scripting/script.js';
import { HANDED_AT_ONCE, handedKeysOf, MINE, type Handed } from './handed-here.js';

/**
 * Idle time of an entry that is given back: a day, in milliseconds, so that the next look of any
 * consumer takes it.
 */
const ONE_DAY = 86_400_000;

/**
 * Sets the idle time of entries that were handed over and wait to be fetched. Takes entries off
 * the list that are pending to another consumer by now.
 *
 * - KEYS: the stream; the redrive stream; the handed entries.
 * - ARGV: group; consumer; idle time in milliseconds; `1` to take all entries off the list;
 *   maximum of entries; member of the list to begin behind.
 * - Result: the last member, or an empty text at the end of the list.
 *
 * Why a script: otherwise an entry that another consumer takes after the check would be claimed
 * back from it.
 */
const script = new Script(`${MINE}
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

/** Keeps some of the waiting entries fresh. @returns where to go on, undefined at the end */
export function keepHanded(client: Redis, of: Handed, after = ''): Promise<string | undefined> {
  return age(client, of, { idle: 0, giveBack: false, after });
}

/** Gives back some of the waiting entries, uncharged. @returns whether there are more */
export async function giveBackHanded(client: Redis, of: Handed): Promise<boolean> {
  return (await age(client, of, { idle: ONE_DAY, giveBack: true, after: '' })) !== undefined;
}

interface Ageing {
  /** In milliseconds. */
  readonly idle: number;
  readonly giveBack: boolean;
  readonly after: string;
}

async function age(
  client: Redis,
  of: Handed,
  { idle, giveBack, after }: Ageing,
): Promise<string | undefined> {
  const args = [of.group, of.consumer, idle, giveBack ? 1 : 0, HANDED_AT_ONCE, after];
  const last = await script.run(client, handedKeysOf(of), args);
  return last === '' ? undefined : String(last);
}
