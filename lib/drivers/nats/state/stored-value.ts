import type { StoredMessage } from '../buckets/stored-message.js';

/** For how long a value counts, in milliseconds from when the server stored it. Without it, for ever. */
const TTL = 'Streams-Ttl';
/** The value is a text in JSON: it has halves of surrogate pairs, which UTF-8 cannot write. */
const IN_JSON = 'Streams-Json';

/** A value as a bucket keeps it. Headers are names and values in turn. */
export interface StoredValue {
  readonly body: string;
  readonly headers: readonly string[];
}

export function toStored(value: string, ttl: number | undefined): StoredValue {
  const isPlain = value.isWellFormed();
  return {
    body: isPlain ? value : JSON.stringify(value),
    headers: [...(ttl === undefined ? [] : [TTL, String(ttl)]), ...(isPlain ? [] : [IN_JSON, '1'])],
  };
}

export function valueOf({ body, headers }: Pick<StoredMessage, 'body' | 'headers'>): string {
  const text = body.toString();
  return headers.has(IN_JSON) ? (JSON.parse(text) as string) : text;
}

/** From when on a value counts no more, in the server's milliseconds since the epoch. `Infinity`: it stays. */
export function expiryOf({ time, headers }: Pick<StoredMessage, 'time' | 'headers'>): number {
  const ttl = headers.get(TTL);
  return ttl === undefined ? Infinity : time + Number(ttl);
}
