import { StreamsError } from '../../../core/errors/streams.error.js';

/** The first version of nats-server that publishes messages later. */
export const DELAYS_SINCE = '2.12';

/**
 * The message cannot be published later, and was not published: the server is older than 2.12, or another
 * program has made the JetStream stream. An older server would store the message and never publish it.
 */
export class DelaysUnsupportedError extends StreamsError {
  static readonly code: string = 'NATS_DELAYS_UNSUPPORTED';
  static readonly advice: string = `Update nats-server to ${DELAYS_SINCE} or later, and let this library make the stream; or publish the message at once, when it is due.`;

  constructor(problem: string) {
    super(DelaysUnsupportedError.code, `${problem} ${DelaysUnsupportedError.advice}`);
  }
}
