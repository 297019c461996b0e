import type { Fields } from '../../../core/message.js';
import type { Reply } from './reply-parser.js';

/** Entries of one stream, in the order of their ids. */
export type StreamEntries = readonly (readonly [id: string, fields: Fields])[];

type OfStream = readonly [key: string, entries: StreamEntries];

/**
 * The reply of XREAD or XREADGROUP, by stream. Empty where no entry came in time. The shape inside
 * is taken for granted: the server has no other, and a check would cost time for each entry.
 */
export function streamsIn(reply: Reply): readonly OfStream[] {
  if (!Array.isArray(reply)) return [];
  // RESP 2 replies with pairs.
  if (Array.isArray(reply[0])) return reply as unknown as OfStream[];
  // RESP 3 replies with a map, which is a list of keys and values in turn.
  const pairs: OfStream[] = [];
  for (let at = 0; at < reply.length; at += 2) {
    pairs.push([reply[at], reply[at + 1]] as unknown as OfStream);
  }
  return pairs;
}
