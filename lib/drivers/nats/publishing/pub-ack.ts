import type { Msg } from '@nats-io/transport-node';
import type { ApiError } from '../errors/nats-reply.error.js';
import type { Stored } from './nats-message.js';

/** No JetStream stream takes this subject, and no other program listens. The message is nowhere. */
export const NO_STREAM = Symbol('no stream');

/** An answer to a message. Undefined: it does not come from JetStream. */
export type PubAck = Stored | { readonly error: ApiError } | typeof NO_STREAM | undefined;

/** Reads an answer. Never throws: other programs may answer, too. */
export function readPubAck(message: Msg): PubAck {
  if (message.data.length === 0) {
    return message.headers?.code === 503 ? NO_STREAM : undefined;
  }
  try {
    const answer = JSON.parse(message.string()) as Partial<Stored & { error: ApiError }> | null;
    if (typeof answer?.error?.err_code === 'number') return { error: answer.error };
    return typeof answer?.seq === 'number' ? (answer as Stored) : undefined;
  } catch {
    return undefined;
  }
}
