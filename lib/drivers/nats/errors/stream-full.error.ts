import { StreamsError } from '../../../core/errors/streams.error.js';

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
  ) {
    super(
      StreamFullError.code,
      `The stream "${stream}" takes no more messages: ${description}. ${StreamFullError.advice}`,
    );
  }
}
