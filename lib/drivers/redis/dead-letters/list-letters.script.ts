import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';

/**
 * Lists the dead letters of a range, oldest first: as many as fit into a number of bytes, and at
 * least one.
 *
 * - KEYS: the dead letters.
 * - ARGV: first id; last id; maximum of letters; maximum of bytes; 1 to get only the record of
 *   each letter.
 * - Result: { id and fields of each letter, 1 where more follow }.
 *
 * Why a script: the size of a letter is known on the server only, so the server decides how many
 * to send.
 */
const script = new Script(`
local from, most, left, out = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), {}
while true do
  local entry = redis.call('XRANGE', KEYS[1], from, ARGV[2], 'COUNT', 1)[1]
  if not entry then return { out, 0 } end
  if #out == most then return { out, 1 } end
  local fields, size = entry[2], 0
  if ARGV[5] == '1' then fields = { fields[1], fields[2] } end
  for _, text in ipairs(fields) do size = size + #text end
  if #out > 0 and size > left then return { out, 1 } end
  left = left - size
  out[#out + 1] = { entry[1], fields }
  from = '(' .. entry[1]
end
`);

export type LetterEntry = [id: string, fields: string[]];

export interface LetterRange {
  readonly from: string;
  readonly to: string;
  readonly most: number;
  readonly bytes: number;
  /** Leave out the fields of the messages. */
  readonly recordsOnly: boolean;
}

export async function listLetters(
  client: Redis,
  key: string,
  { from, to, most, bytes, recordsOnly }: LetterRange,
): Promise<{ readonly entries: LetterEntry[]; readonly more: boolean }> {
  const args = [from, to, most, bytes, recordsOnly ? 1 : 0];
  const [entries, more] = (await script.read(client, [key], args)) as [LetterEntry[], number];
  return { entries, more: more === 1 };
}
