import { ConnectionError } from '../../../core/errors/connection.errors.js';

/** The `ConnectionError` of Redis. */
export class RedisConnectionError extends ConnectionError {
  static override readonly code: string = 'REDIS_CONNECTION';

  /** @param remedy what to do, where more is known than that there was no connection */
  constructor(
    outcome: 'not-sent' | 'unknown',
    action: string,
    cause?: unknown,
    remedy?: string,
    code = RedisConnectionError.code,
  ) {
    super('Redis', outcome, action, cause, remedy, code);
  }
}

/**
 * A `RedisConnectionError`: TLS could not be agreed upon with the server. A certificate that one side
 * does not trust, a name that is not in it, or a port that does not speak TLS. Nothing was sent.
 */
export class TlsConnectionError extends RedisConnectionError {
  static override readonly code: string = 'TLS_CONNECTION';
  static override readonly advice: string = 'Do what the message says of the certificate or port.';

  constructor(action: string, cause: unknown, remedy: string) {
    super('not-sent', action, cause, remedy, TlsConnectionError.code);
  }
}
