import { Script } from '../scripting/script.js';
import { TRY } from '../scripting/try.js';

/**
 * Appends an entry unless its idempotency key is remembered. The key is taken before the entry
 * is written, and given back where writing fails, so that no entry lacks its key. A repetition
 * writes the key again: on a connection that has written nothing, WAIT counts replicas that lack
 * the entry.
 *
 * - KEYS: the stream; the published key.
 * - ARGV: the time to remember the key, in milliseconds; then the elements of the entry.
 * - Result: the id of the first entry with this key.
 *
 * Why a script: otherwise two producers could both find the key free, and both publish.
 */
export const publishOnce = new Script(`${TRY}
if #ARGV < 3 or #ARGV % 2 == 0 or #ARGV > 7001 then
  return redis.error_reply('ERR an entry needs between 1 and 3500 pairs of fields')
end
local first = try('SET', KEYS[2], '', 'NX', 'GET', 'PX', ARGV[1])
if type(first) == 'table' and first.err then
  if string.sub(first.err, 1, 9) ~= 'WRONGTYPE' then return first end
  return redis.error_reply('ERR key ' .. KEYS[2] .. ' should hold the id of a message; remove it')
end
if first then
  redis.call('SET', KEYS[2], first, 'KEEPTTL')
  return first
end
local id = redis.pcall('XADD', KEYS[1], '*', unpack(ARGV, 2))
if type(id) == 'table' and id.err then
  redis.call('DEL', KEYS[2])
  id = named(id, 'XADD')
  return id
end
redis.call('SET', KEYS[2], id, 'PX', ARGV[1])
return id
`);
