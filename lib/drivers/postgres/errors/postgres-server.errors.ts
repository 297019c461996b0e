import { messageOf } from '../../../core/errors/error-record.js';
import { StreamsError } from '../../../core/errors/streams.error.js';

/** The words of the server, without the period at their end. */
const wordsOf = (cause: unknown): string => messageOf(cause).replace(/\.$/, '');

/**
 * The server is a standby, or takes no writes from this role. Nothing was done. The next statement
 * goes over a new connection, which may lead to the primary.
 */
export class ReadOnlyServerError extends StreamsError {
  static readonly code: string = 'READ_ONLY_SERVER';
  static readonly advice: string =
    'Connect to the primary, and let default_transaction_read_only be off for this role.';

  constructor(action: string, cause: unknown) {
    super(
      ReadOnlyServerError.code,
      `The server takes no writes and refused ${action}: ${wordsOf(cause)}. ${ReadOnlyServerError.advice}`,
      cause,
    );
  }
}

/**
 * The server gave up a statement: at `statement_timeout` or `lock_timeout` of the role, the database
 * or the server, or because its administrator cancelled it. Nothing was done.
 */
export class StatementCancelledError extends StreamsError {
  static readonly code: string = 'STATEMENT_CANCELLED';
  static readonly advice: string =
    'Raise that timeout for this role, or look for what holds the locks: pg_stat_activity and pg_locks.';

  constructor(action: string, cause: unknown) {
    super(
      StatementCancelledError.code,
      `The server gave up ${action}: ${wordsOf(cause)}. ${StatementCancelledError.advice}`,
      cause,
    );
  }
}

/**
 * A transaction came into conflict with others: a serialization failure or a deadlock. Nothing was
 * done. Where the transaction is the driver's own, the driver has tried it several times.
 */
export class TransactionConflictError extends StreamsError {
  static readonly code: string = 'TRANSACTION_CONFLICT';
  static readonly advice: string = 'Carry out the whole transaction again.';

  constructor(action: string, cause: unknown) {
    super(
      TransactionConflictError.code,
      `${action} came into conflict with other transactions: ${wordsOf(cause)}. ${TransactionConflictError.advice}`,
      cause,
    );
  }
}

/** The server lacks room on its disk, or memory. Nothing was done. */
export class ServerResourcesError extends StreamsError {
  static readonly code: string = 'SERVER_RESOURCES';
  static readonly advice: string = 'Give the server more disk or memory, or free some.';

  constructor(action: string, cause: unknown) {
    super(
      ServerResourcesError.code,
      `The server could not carry out ${action}: ${wordsOf(cause)}. ${ServerResourcesError.advice}`,
      cause,
    );
  }
}
