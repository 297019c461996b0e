import { StreamsError } from './streams.error.js';

/**
 * A stream could not be claimed. `why`: `held`, another consumer was faster or its lock is alive;
 * `gone`, it was completed, or handed out anew; `busy`, it is owned by way of another entry of the
 * same name; `full`, this consumer owns `maxStreams`, is ending, or its notifications are not heard.
 * Usual where several consumers want the same stream.
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
      gone: 'it was completed, or handed out anew',
      busy: 'it is owned by way of another entry of the same name',
      full: 'this consumer owns as many as it may, is ending, or its notifications are not heard',
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
    'Complete streams only between their StreamAdded, or a claim that worked, and StreamDisowned.';

  constructor(readonly stream: string) {
    super(
      StreamNotOwnedError.code,
      `Stream "${stream}" is not owned by this consumer. ${StreamNotOwnedError.advice}`,
    );
  }
}

/**
 * A stream was not completed: a message of it waits for its retry, or is pending to another consumer.
 * The stream stays owned, and the message is run here.
 */
export class StreamUnsettledError extends StreamsError {
  static readonly code = 'STREAM_UNSETTLED';
  static readonly advice = 'Complete the stream again, once all its messages are settled.';

  constructor(readonly stream: string) {
    super(
      StreamUnsettledError.code,
      `Stream "${stream}" is not completed: messages of it have begun and are not settled. ${StreamUnsettledError.advice}`,
    );
  }
}

/**
 * Reason of the signal where a stream is not owned any more: its lock was lost while this process
 * stood still or did not reach Redis, or it was handed over to another consumer.
 */
export class StreamDisownedError extends StreamsError {
  static readonly code = 'STREAM_DISOWNED';
  static readonly advice =
    'Stop working on the stream. If this happens under normal load, no handler may block the event loop for more than 1.5 s.';

  constructor(readonly stream: string) {
    super(
      StreamDisownedError.code,
      `Stream "${stream}" belongs to another consumer now; nothing that is settled here is recorded. ${StreamDisownedError.advice}`,
    );
  }
}
