import { StreamsError } from './streams.error.js';

const NOT_SENT = 'Nothing was sent; try again with backoff.';
const UNKNOWN =
  'The command may have been carried out; try again only with an idempotency key, or if doing it twice does no harm.';

/**
 * The server could not be reached, the connection broke, or the server refused the login: the message
 * says which. Each driver has a kind of its own, such as `RedisConnectionError`. `outcome` is `not-sent`:
 * nothing reached the server; or `unknown`: the command may have been carried out. If there is no
 * connection within `connectTimeout` at start-up, `listen` fails, and everything is closed again.
 */
export class ConnectionError extends StreamsError {
  static readonly code: string = 'CONNECTION';
  static readonly advice: string = `not-sent: ${NOT_SENT} unknown: ${UNKNOWN}`;

  /**
   * @param technology the server that has no connection, as users write its name: `Redis`
   * @param action what this process was doing: `publishing`
   * @param remedy what to do, if more is known than that there was no connection
   * @param code the code of the driver's own kind of this error
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

/** The message of an error, for operators: without what a caller could do, whose call it was not. */
export const withoutAdvice = ({ message }: Error): string => message.replace(` ${UNKNOWN}`, '');

/** If a host name has several addresses, the error has a code and no message. */
function reasonOf({ message, code }: Error & { readonly code?: unknown }): string {
  return (message === '' ? String(code) : message).replace(/\.$/, '');
}
