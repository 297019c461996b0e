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
