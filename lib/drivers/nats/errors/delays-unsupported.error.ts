import { StreamsError } from '../../../core/errors/streams.error.js';

/** The first version of nats-server that publishes messages later. */
export const DELAYS_SINCE = '2.12';

/**
 * The message cannot be published later, and was not published: the server is older than 2.12, or the
 * JetStream stream cannot keep messages for later. An older server would store the message and never
 * publish it.
 */
export class DelaysUnsupportedError extends StreamsError {
  static readonly code: string = 'NATS_DELAYS_UNSUPPORTED';
  static readonly advice: string = `Delayed messages need nats-server ${DELAYS_SINCE} or later, a stream that this library has made, discard: 'old' where streams have maxBytes or maxMessages, and delays below maxAge. Or publish the message when it is due.`;

  constructor(problem: string) {
    super(DelaysUnsupportedError.code, `${problem} ${DelaysUnsupportedError.advice}`);
  }

  override get permanent(): boolean {
    return true;
  }
}
