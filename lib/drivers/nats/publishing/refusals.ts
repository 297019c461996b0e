import { saysFull, StreamFullError } from '../errors/stream-full.error.js';
import { NatsReplyError, type ApiError } from '../errors/nats-reply.error.js';
import type { Outgoing } from './outgoing.js';

/** Another message with the same `Nats-Msg-Id` is being stored. The message of this answer is not. */
const COLLISION = 10_158;
export const isCollision = ({ err_code }: ApiError): boolean => err_code === COLLISION;

/** The error of a message that JetStream has refused. It is not stored. */
export function refusal({ message: { stream } }: Outgoing, error: ApiError): Error {
  if (saysFull(error)) return new StreamFullError(stream, error);
  return new NatsReplyError(`publishing to "${stream}"`, error);
}
