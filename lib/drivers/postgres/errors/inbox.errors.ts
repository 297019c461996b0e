import { StreamsError } from '../../../core/errors/streams.error.js';

/**
 * A handler with an inbox has returned, and its transaction takes no more statements. The run has
 * failed.
 */
export class InboxTransactionError extends StreamsError {
  /** `INBOX_TRANSACTION`. */
  static readonly code: string = 'INBOX_TRANSACTION';
  static readonly advice: string =
    'Let errors of statements through, or set a savepoint before a statement that may fail. Send no COMMIT and no ROLLBACK.';

  /** @param why `failed`: a statement failed, and the handler caught the error */
  constructor(why: 'failed' | 'ended') {
    const what =
      why === 'failed'
        ? 'A statement of the handler has failed, and its transaction with it'
        : 'The handler has ended its transaction';
    super(InboxTransactionError.code, `${what}. ${InboxTransactionError.advice}`);
  }
}
