import type { Fields } from '../core/message.js';
import type { StreamPlace } from '../core/held-stream.js';

/**
 * The one field of an input. Other fields that begin with `_` belong to other programs, and stay.
 */
const FIELD = 'lbs-input';

/** What an input says: the data stream, and what the producer wrote beside the name. */
export interface StreamAssignment extends StreamPlace {
  readonly info: StreamInfo;
}

export type StreamInfo = Readonly<Record<string, unknown>>;

/** The format that redis-stream-client-go writes and reads. */
export function encodeAssignment(stream: string, info: StreamInfo): Fields {
  return [FIELD, JSON.stringify({ DataStreamName: stream, Info: info })];
}

/**
 * Reads an input in the way of Go. Undefined where the input names no stream.
 * - Of several fields of that name the last one counts.
 * - Keys match in any case.
 * - Of several keys that match, all count in turn: the last name, and the entries of all infos
 *   together.
 * - `null` is no name, and empties the info.
 */
export function decodeAssignment(id: string, fields: Fields): StreamAssignment | undefined {
  const said = parsed(lastOf(fields, FIELD));
  if (!said) return undefined;
  let stream = '';
  let info: StreamInfo = {};
  for (const [key, value] of Object.entries(said)) {
    const name = key.toLowerCase();
    if (name === 'datastreamname' && value !== null) {
      if (typeof value !== 'string') return undefined;
      stream = value;
    } else if (name === 'info') {
      if (value !== null && !isRecord(value)) return undefined;
      info = value === null ? {} : { ...info, ...value };
    }
  }
  return stream === '' ? undefined : { id, stream, info };
}

function lastOf(fields: Fields, name: string): string | undefined {
  for (let at = fields.length - 2; at >= 0; at -= 2) {
    if (fields[at] === name) return fields[at + 1];
  }
  return undefined;
}

function parsed(text = ''): StreamInfo | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is StreamInfo =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
