import type { NatsConnection } from '../connection/nats-connection.js';
import type { JsStream } from './js-stream.js';

/** A message, without its body. */
export interface StoredAt {
  readonly sequence: number;
  /** By the server's clock, in milliseconds since the epoch. */
  readonly time: number;
}

/** The first message of a stream with this sequence or a later one. Undefined: there is none. */
export async function nextMessage(
  connection: NatsConnection,
  { name, subject }: Pick<JsStream, 'name' | 'subject'>,
  from: number,
): Promise<StoredAt | undefined> {
  return query(connection, name, { seq: from, next_by_subj: subject });
}

/** The newest message of a stream. Undefined: there is none. */
export async function lastMessage(
  connection: NatsConnection,
  { name, subject }: Pick<JsStream, 'name' | 'subject'>,
): Promise<StoredAt | undefined> {
  return query(connection, name, { last_by_subj: subject });
}

async function query(
  connection: NatsConnection,
  name: string,
  which:
    { readonly seq: number; readonly next_by_subj: string } | { readonly last_by_subj: string },
): Promise<StoredAt | undefined> {
  const action = 'looking at a message';
  const js = await connection.js(action);
  const found = await connection.answered(action, () => js.manager.streams.getMessage(name, which));
  return found ? { sequence: found.seq, time: found.time.getTime() } : undefined;
}
