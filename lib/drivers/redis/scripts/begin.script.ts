import type { Redis } from 'ioredis';
import type { Fields } from '../../../core/message.js';
import { Script } from '../script.js';
import { FENCE, type Fenced } from './fence.js';

/**
 * Charges a run at its start and fetches the entry. KEYS stream. ARGV group, consumer, id, count.
 * Answers a word, and the fields after `started`. An entry whose data was deleted leaves the pending
 * list with the claim: `trimmed`.
 */
const script = new Script(`${FENCE}
local word = fence(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
if word ~= 'held' then return { word } end
local entries = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3])
if #entries == 0 or not entries[1] then return { 'trimmed' } end
return { 'started', entries[1][2] }
`);

export type BeginReply =
  | { readonly word: 'started'; readonly fields: Fields }
  | { readonly word: 'lost' | 'gone' | 'trimmed' };

export async function begin(client: Redis, run: Fenced): Promise<BeginReply> {
  const reply = await script.read(
    client,
    [run.key],
    [run.group, run.consumer, run.id, run.count],
    run.guards,
  );
  const [word, fields] = (reply ?? ['lost']) as [BeginReply['word'], Fields];
  return word === 'started' ? { word, fields } : { word };
}
