import type { Redis } from 'ioredis';
import type { Fields } from '../../../core/message.js';
import { Script } from '../scripting/script.js';

/**
 * Reads entries by their ids: as many as fit into a number of bytes, and at least one.
 *
 * - KEYS: the stream.
 * - ARGV: maximum of bytes; then the ids.
 * - Result: the fields of each entry in turn, nothing where its data was deleted. Ends where the
 *   next entry does not fit.
 *
 * Why a script: the size of an entry is known on the server only, so the server decides how many
 * to send.
 */
const script = new Script(`
local left, found, out = tonumber(ARGV[1]), false, {}
for i = 2, #ARGV do
  local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if entry then
    local size = 0
    for _, text in ipairs(entry[2]) do size = size + #text end
    if found and size > left then break end
    left = left - size
    found = true
    out[i - 1] = entry[2]
  else
    out[i - 1] = false
  end
end
return out
`);

/** Most ids of one call. */
export const FETCH_AT_ONCE = 500;

export interface FetchingEntries {
  readonly key: string;
  /** At most `FETCH_AT_ONCE`. */
  readonly ids: readonly string[];
  /** Bytes of all entries together. */
  readonly bytes: number;
}

export function fetchEntries(
  client: Redis,
  { key, ids, bytes }: FetchingEntries,
): Promise<(Fields | null)[]> {
  return script.read(client, [key], [Math.floor(bytes), ...ids]) as Promise<(Fields | null)[]>;
}
