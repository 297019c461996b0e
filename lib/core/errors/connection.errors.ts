import { StreamsError } from './streams.error.js';

const NOT_SENT = 'Nothing was sent; try again with backoff.';
const UNKNOWN =
  'It may have been carried out; try again only with an idempotency key, or where twice does no harm.';

/**
 * The server could not be reached, or the connection broke, or the server refused the login: the message
 * says which. Each driver has a kind of its own, such as `RedisConnectionError`. `outcome` is `not-sent`:
 * nothing reached the server; or `unknown`: the command may have been carried out. At start-up, where
 * there is no connection within `connectTimeout`, `listen` fails, and everything is closed again.
 */
export class ConnectionError extends StreamsError {
  static readonly code: string = 'CONNECTION';
  static readonly advice: string = `not-sent: ${NOT_SENT} unknown: ${UNKNOWN}`;

  /**
   * @param technology what there is no connection to, as users write it: `Redis`
   * @param action what this process was doing: `publishing`
   * @param remedy what to do, where more is known than that there was no connection
   * @param code of the driver's own kind
   */
  constructor(
    technology: string,
    readonly outcome: 'not-sent' | 'unknown',
    action: string,
    cause?: unknown,
    remedy?: string,
    code = ConnectionError.code,
  ) {
    const detail = cause instanceof Error ? `: ${reasonOf(cause)}` : '';
    const advice = outcome === 'not-sent' ? (remedy ?? NOT_SENT) : UNKNOWN;
    super(code, `No connection to ${technology} while ${action}${detail}. ${advice}`, cause);
  }
}

/** Where a name has several addresses, the error has a code and no message. */
function reasonOf({ message, code }: Error & { readonly code?: unknown }): string {
  return (message === '' ? String(code) : message).replace(/\.$/, '');
}
