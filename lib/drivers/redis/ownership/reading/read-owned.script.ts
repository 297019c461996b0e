import type { Redis } from 'ioredis';
import type { Guard } from '../../../../core/guard.js';
import type { Fields } from '../../../../core/message.js';
import { Script } from '../../scripting/script.js';
import { OTHERS_HAVE } from '../locks/others-pending.js';
import { TRY } from '../../scripting/try.js';
import { XINFO_RECORD } from '../../scripting/xinfo-record.js';

/**
 * Reads new entries of an owned stream without waiting, and only while no other consumer has
 * pending entries of the group: those come before new ones.
 *
 * - KEYS: the stream.
 * - ARGV: group; consumer; maximum of entries.
 * - Result: { word, entries, or the id behind which the stream is new to the group }.
 *
 * Why a script: otherwise another consumer could read entries between the check and the read,
 * and their order would be lost.
 */
const script = new Script(`${TRY}${XINFO_RECORD}${OTHERS_HAVE}
local key, group, me = KEYS[1], ARGV[1], ARGV[2]
if others_have(key, group, me) then return { 'others' } end
local found = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', ARGV[3], 'STREAMS', key, '>')
if found then return { 'found', found[1][2] } end
for _, row in ipairs(redis.call('XINFO', 'GROUPS', key)) do
  local info = record(row)
  if info.name == group then return { 'none', info['last-delivered-id'] } end
end
return { 'none', '0-0' }
`);

/**
 * `others`: take over the pending entries of other consumers first. `none`: the next entry comes
 * behind `after`.
 */
export type OwnedRead =
  | { readonly word: 'found'; readonly entries: readonly [id: string, fields: Fields][] }
  | { readonly word: 'none'; readonly after: string }
  | { readonly word: 'others' };

export interface ReadingOwned {
  readonly key: string;
  readonly group: string;
  readonly consumer: string;
  readonly count: number;
  readonly guards: readonly Guard[];
}

/** @returns undefined where a guard does not hold */
export async function readOwned(
  client: Redis,
  { key, group, consumer, count, guards }: ReadingOwned,
): Promise<OwnedRead | undefined> {
  const reply = await script.read(client, [key], [group, consumer, count], guards);
  if (reply === null) return undefined;
  const [word, rest] = reply as ['found', [string, Fields][]] | ['none', string] | ['others'];
  if (word === 'found') return { word, entries: rest };
  return word === 'none' ? { word, after: rest } : { word };
}
