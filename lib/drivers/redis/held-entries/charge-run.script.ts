import type { Redis } from 'ioredis';
import type { Fields } from '../../../core/message.js';
import { Script } from '../scripting/script.js';
import { FENCE, type Fenced } from '../scripting/fence.js';

/**
 * Counts a run at its start, and fetches the entry unless the fields are known. An entry whose
 * data was deleted leaves the pending list with the claim.
 *
 * - KEYS: the stream.
 * - ARGV: group; consumer; id; delivery count that the consumer knows; 1 where the fields are
 *   known.
 * - Result: { word } or { `started`, fields }. Words: `started`, `lost`, `gone`, `trimmed`.
 *
 * Why a script: otherwise another consumer could take the entry between the check and the count,
 * and the run would be counted for the wrong consumer.
 */
const script = new Script(`${FENCE}
local word = fence(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
if word ~= 'held' then return { word } end
local claim = { 'XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3] }
if ARGV[5] == '1' then
  claim[7], claim[8], claim[9] = 'RETRYCOUNT', ARGV[4] + 1, 'JUSTID'
end
local entries = redis.call(unpack(claim)) -- XCLAIM
if #entries == 0 or not entries[1] then return { 'trimmed' } end
if ARGV[5] == '1' then return { 'started' } end
return { 'started', entries[1][2] }
`);

export type BeginReply =
  /** Without the fields where they are known. */
  | { readonly word: 'started'; readonly fields: Fields | undefined }
  | { readonly word: 'lost' | 'gone' | 'trimmed' };

export async function begin(client: Redis, run: Fenced, fieldsKnown: boolean): Promise<BeginReply> {
  const reply = await script.read(
    client,
    [run.key],
    [run.group, run.consumer, run.id, run.count, fieldsKnown ? 1 : 0],
    run.guards,
  );
  const [word, fields] = (reply ?? ['lost']) as [BeginReply['word'], Fields];
  return word === 'started' ? { word, fields } : { word };
}
