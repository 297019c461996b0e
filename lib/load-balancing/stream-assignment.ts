import type { Fields } from '../core/message.js';
import type { StreamPlace } from '../core/held-stream.js';

/** The one field of an input. Others that begin with `_` belong to other programs, and stay. */
const FIELD = 'lbs-input';

/** What an input says: the data stream, and whatever the producer wanted to tell about it. */
export interface StreamAssignment extends StreamPlace {
  readonly info: StreamInfo;
}

export type StreamInfo = Readonly<Record<string, unknown>>;

/** As redis-stream-client-go writes it, and reads it. */
export function encodeAssignment(stream: string, info: StreamInfo): Fields {
  return [FIELD, JSON.stringify({ DataStreamName: stream, Info: info })];
}

/**
 * Undefined where it names no stream. Read as Go reads it: of several fields of that name the last one
 * counts; keys match in any case; of several keys that match, each one counts in its turn: the last name,
 * and the entries of all infos together. `null` says nothing of a name, and empties the info.
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
