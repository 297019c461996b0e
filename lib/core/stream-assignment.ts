import { fieldOf } from './codec.js';
import type { Fields } from './message.js';
import type { StreamPlace } from './held-stream.js';

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

/** Undefined where it names no stream. Go takes keys in any case, and so do we. */
export function decodeAssignment(id: string, fields: Fields): StreamAssignment | undefined {
  const text = fieldOf(fields, FIELD);
  if (text === undefined) return undefined;
  const said = parsed(text);
  if (!said) return undefined;
  const stream = valueOf(said, 'DataStreamName');
  const info = valueOf(said, 'Info') ?? {};
  if (typeof stream !== 'string' || stream === '' || !isRecord(info)) return undefined;
  return { id, stream, info };
}

function parsed(text: string): StreamInfo | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function valueOf(said: StreamInfo, name: string): unknown {
  if (Object.hasOwn(said, name)) return said[name];
  const key = Object.keys(said).find((key) => key.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : said[key];
}

const isRecord = (value: unknown): value is StreamInfo =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
