import type { MsgHdrs } from '@nats-io/transport-node';

/**
 * The headers of a message. The client reads them when they are asked for, and refuses some that
 * other programs write: a message with such headers has none.
 */
export function readHeaders<Headers = MsgHdrs>(message: {
  readonly headers?: Headers | undefined;
}): Headers | undefined {
  try {
    return message.headers;
  } catch {
    return undefined;
  }
}
