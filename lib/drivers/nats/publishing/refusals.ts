import { StreamFullError } from '../errors/stream-full.error.js';
import { NatsReplyError, type ApiError } from '../errors/nats-reply.error.js';
import type { Outgoing } from './outgoing.js';

/** Another message with the same `Nats-Msg-Id` is being stored. The message of this answer is not. */
const COLLISION = 10_158;
/** A message could not be stored. The description says why. */
const STORE_FAILED = 10_077;
/** The account, or the server, has no storage left. */
const NO_STORAGE = new Set([10_047, 10_002, 10_023]);

const LIMIT = /maximum (?:messages|bytes|messages per subject) exceeded/;

export const isCollision = ({ err_code }: ApiError): boolean => err_code === COLLISION;

/** The error of a message that JetStream has refused. It is not stored. */
export function refusal({ message: { stream } }: Outgoing, error: ApiError): Error {
  const isFull = error.err_code === STORE_FAILED && LIMIT.test(error.description);
  if (isFull || NO_STORAGE.has(error.err_code)) return new StreamFullError(stream, error);
  return new NatsReplyError(`publishing to "${stream}"`, error);
}
