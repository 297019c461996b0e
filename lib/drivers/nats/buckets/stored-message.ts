/** A message that a stream of the driver keeps. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  /** When the server stored it, by the server's clock, in milliseconds since the epoch. */
  readonly time: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** A message as `STREAM.MSG.GET` answers it. Headers and data are base64. */
export interface AnsweredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly time: string;
  readonly hdrs?: string;
  readonly data?: string;
}

/** Reads the answer of `STREAM.MSG.GET`. */
export const storedMessage = ({
  subject,
  seq,
  time,
  hdrs = '',
  data = '',
}: AnsweredMessage): StoredMessage => ({
  subject,
  sequence: seq,
  time: Date.parse(time),
  headers: headersIn(Buffer.from(hdrs, 'base64').toString()),
  body: Buffer.from(data, 'base64'),
});

/** Reads the lines of headers behind `NATS/1.0`. Of a name that comes twice, the last value stays. */
function headersIn(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
