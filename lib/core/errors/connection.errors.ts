import { StreamsError } from './streams.error.js';

const NOT_SENT = 'Nothing was sent; try again with backoff.';
const UNKNOWN =
  'It may have been carried out; try again only with an idempotency key, or where twice does no harm.';

/**
 * Redis could not be reached, or the connection broke, or Redis refused the login: the message has its
 * words. `outcome` is `not-sent`: nothing reached Redis; or `unknown`: the command may have been
 * carried out. At start-up, where there is no connection within `connectTimeout`, `listen` fails, and
 * everything is closed again.
 */
export class RedisConnectionError extends StreamsError {
  static readonly code: string = 'REDIS_CONNECTION';
  static readonly advice: string = `not-sent: ${NOT_SENT} unknown: ${UNKNOWN}`;

  /** @param remedy what to do, where more is known than that there was no connection */
  constructor(
    readonly outcome: 'not-sent' | 'unknown',
    action: string,
    cause?: unknown,
    remedy?: string,
    code = RedisConnectionError.code,
  ) {
    const detail = cause instanceof Error ? `: ${reasonOf(cause)}` : '';
    const advice = outcome === 'not-sent' ? (remedy ?? NOT_SENT) : UNKNOWN;
    super(code, `No connection to Redis while ${action}${detail}. ${advice}`, cause);
  }
}

/** Where a name has several addresses, the error has a code and no message. */
function reasonOf({ message, code }: Error & { readonly code?: unknown }): string {
  return (message === '' ? String(code) : message).replace(/\.$/, '');
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
