import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { StreamsError } from '../../../core/errors/streams.error.js';

/** The `ConnectionError` of NATS. */
export class NatsConnectionError extends ConnectionError {
  static override readonly code: string = 'NATS_CONNECTION';

  /** @param remedy what to do, where more is known than the lack of a connection */
  constructor(
    outcome: 'not-sent' | 'unknown',
    action: string,
    cause?: unknown,
    remedy?: string,
    code = NatsConnectionError.code,
  ) {
    super('NATS', outcome, action, cause, remedy, code);
  }
}

/**
 * A `NatsConnectionError`: no server could be reached as often as `maxReconnects` says, or the
 * application closed the connection that it had handed in. The driver does not try again. Each later call fails with this
 * error, and consumers report it again and again.
 */
export class NatsGivenUpError extends NatsConnectionError {
  static override readonly code: string = 'NATS_GIVEN_UP';
  static override readonly advice: string =
    'Restart this process. Leave out maxReconnects, and the driver tries for ever.';

  constructor(action: string, cause?: unknown) {
    super('not-sent', action, cause, NatsGivenUpError.advice, NatsGivenUpError.code);
  }
}

/** The server is older than this driver can use. */
export class NatsServerTooOldError extends StreamsError {
  static readonly code: string = 'NATS_SERVER_TOO_OLD';
  static readonly advice: string = 'Update nats-server to 2.10 or later.';

  constructor(readonly version: string) {
    super(
      NatsServerTooOldError.code,
      `The server is nats-server ${version}, which lacks features that this driver needs. ` +
        NatsServerTooOldError.advice,
    );
  }
}

/** The server, or the account of this connection, has no JetStream. */
export class JetStreamMissingError extends StreamsError {
  static readonly code: string = 'JETSTREAM_MISSING';
  static readonly advice: string =
    "Start nats-server with -js, or enable jetstream for the account; or use core NATS: the option mode: 'core'.";

  constructor(cause?: unknown) {
    super(
      JetStreamMissingError.code,
      `The server or this account has no JetStream, which keeps messages. ${JetStreamMissingError.advice}`,
      cause,
    );
  }
}
