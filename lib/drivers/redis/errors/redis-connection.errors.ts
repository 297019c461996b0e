import { ConnectionError } from '../../../core/errors/connection.errors.js';

/** The `ConnectionError` of Redis. */
export class RedisConnectionError extends ConnectionError {
  static override readonly code: string = 'REDIS_CONNECTION';

  /** @param remedy what to do, where more is known than the lack of a connection */
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
 * A `RedisConnectionError`: the TLS handshake with the server failed. One side does not trust the
 * other's certificate, the certificate lacks the name, or the port does not speak TLS. Nothing was
 * sent.
 */
export class TlsConnectionError extends RedisConnectionError {
  static override readonly code: string = 'TLS_CONNECTION';
  static override readonly advice: string = 'Do what the message says of the certificate or port.';

  constructor(action: string, cause: unknown, remedy: string) {
    super('not-sent', action, cause, remedy, TlsConnectionError.code);
  }
}
