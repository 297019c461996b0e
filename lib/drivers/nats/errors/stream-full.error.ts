import { StreamsError } from '../../../core/errors/streams.error.js';
import type { ApiError } from './nats-reply.error.js';

/** A message could not be stored. The description says why. */
const STORE_FAILED = 10_077;
/** The account, or the server, has no storage left. */
const NO_STORAGE = new Set([10_047, 10_002, 10_023]);

const LIMIT = /maximum (?:messages|bytes|messages per subject) exceeded/;

/** Whether JetStream has refused a message because there is no room for it. */
export const saysFull = ({ err_code, description }: Omit<ApiError, 'code'>): boolean =>
  NO_STORAGE.has(err_code) || (err_code === STORE_FAILED && LIMIT.test(description));

/**
 * JetStream has no room for the message: the stream is at `maxMessages` or `maxBytes`, or the account
 * or server at its limit of storage. The message is not stored. Has `stream`.
 */
export class StreamFullError extends StreamsError {
  static readonly code: string = 'STREAM_FULL';
  static readonly advice: string =
    'Publish the message later. Raise streams.maxMessages or streams.maxBytes, give JetStream more storage, or delete what is settled: the option retention.';

  constructor(
    readonly stream: string,
    { description }: { readonly description: string },
    advice = StreamFullError.advice,
  ) {
    super(
      StreamFullError.code,
      `The stream "${stream}" takes no more messages: ${description}. ${advice}`,
    );
  }
}
