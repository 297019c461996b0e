import { ConnectionError } from '../../../core/errors/connection.errors.js';

/** The `ConnectionError` of PostgreSQL. */
export class PostgresConnectionError extends ConnectionError {
  static override readonly code: string = 'POSTGRES_CONNECTION';

  /** @param remedy what to do, where more is known than the lack of a connection */
  constructor(
    outcome: 'not-sent' | 'unknown',
    action: string,
    cause?: unknown,
    remedy?: string,
    code = PostgresConnectionError.code,
  ) {
    super('PostgreSQL', outcome, action, cause, remedy, code);
  }
}

/**
 * A `PostgresConnectionError`: the server takes no more connections, of all clients or of this role or
 * database. Nothing was sent. Connections that are open go on.
 */
export class TooManyConnectionsError extends PostgresConnectionError {
  static override readonly code: string = 'TOO_MANY_CONNECTIONS';
  static override readonly advice: string =
    'Raise max_connections of the server, lower maxConnections here, or put a pooler in between.';

  constructor(action: string, cause: unknown) {
    super('not-sent', action, cause, TooManyConnectionsError.advice, TooManyConnectionsError.code);
  }
}
