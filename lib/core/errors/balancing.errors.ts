import { StreamsError } from './streams.error.js';

/**
 * This consumer could not take the stream over. `why`: `held`, another consumer was faster or still has
 * the lock; `gone`, the stream was completed, or announced anew; `busy`, the stream is owned by way of
 * another announcement of the same name; `full`, this consumer owns `maxStreams`, is ending, or its
 * notifications are not heard. Usual if several consumers want the same stream.
 */
export class ClaimFailedError extends StreamsError {
  static readonly code = 'CLAIM_FAILED';
  static readonly advice = 'Leave the stream to its owner; another StreamExpired may follow.';

  constructor(
    readonly stream: string,
    readonly why: 'held' | 'gone' | 'busy' | 'full',
  ) {
    const reasons = {
      held: 'another consumer owns it',
      gone: 'it was completed, or announced anew',
      busy: 'it is owned by way of another announcement of the same name',
      full: 'this consumer owns maxStreams streams, is ending, or its notifications are not heard',
    };
    super(
      ClaimFailedError.code,
      `Stream "${stream}" was not claimed: ${reasons[why]}. ${ClaimFailedError.advice}`,
    );
  }
}

/** The stream is not, or no longer, owned by this consumer. */
export class StreamNotOwnedError extends StreamsError {
  static readonly code = 'STREAM_NOT_OWNED';
  static readonly advice =
    'Complete a stream only after its StreamAdded or a successful claim, and before its StreamDisowned.';

  constructor(readonly stream: string) {
    super(
      StreamNotOwnedError.code,
      `Stream "${stream}" is not owned by this consumer. ${StreamNotOwnedError.advice}`,
    );
  }
}

/**
 * A stream was not completed: a message of it waits for its retry, or is pending to another consumer.
 * This consumer still owns the stream, and runs the message.
 */
export class StreamUnsettledError extends StreamsError {
  static readonly code = 'STREAM_UNSETTLED';
  static readonly advice = 'Call doneStream again once all messages of the stream are settled.';

  constructor(readonly stream: string) {
    super(
      StreamUnsettledError.code,
      `Stream "${stream}" was not completed: some of its messages have begun and are not settled. ${StreamUnsettledError.advice}`,
    );
  }
}

/**
 * The reason of `signal` when this consumer no longer owns the stream: it lost the lock while its process
 * stood still or did not reach the server, or the stream was handed over to another consumer.
 */
export class StreamDisownedError extends StreamsError {
  static readonly code = 'STREAM_DISOWNED';
  static readonly advice =
    'Stop working on the stream. If this happens under normal load, no handler may block the event loop for more than 1.5 s.';

  constructor(readonly stream: string) {
    super(
      StreamDisownedError.code,
      `Stream "${stream}" belongs to another consumer now; the server records no settlement of this consumer. ${StreamDisownedError.advice}`,
    );
  }
}
