import { StreamsError } from '../../../core/errors/streams.error.js';

const WHAT = {
  failed: 'A statement of the handler has failed, and its transaction with it',
  ended: 'The handler has ended its transaction',
  late: 'The handler has sent a statement after the end of its run',
  released: 'The handler has called release() on the client of its transaction',
  nested: 'A run of the inbox was started within a run of the same inbox',
};

/**
 * A handler with an inbox has ended its transaction, returned after a failed statement, called
 * `release()` on its client, or run the inbox again: the run fails. Or the handler has sent a statement
 * after its run: the server did not get the statement.
 */
export class InboxTransactionError extends StreamsError {
  /** `INBOX_TRANSACTION`. */
  static readonly code: string = 'INBOX_TRANSACTION';
  static readonly advice: string =
    'Let errors of statements through, or set a savepoint before a statement that may fail. Await every statement. Send no COMMIT and no ROLLBACK, call no release(), and no run() of the inbox in a handler.';

  /** @param why `failed`: a statement failed, and the handler caught the error */
  constructor(why: 'failed' | 'ended' | 'late' | 'released' | 'nested') {
    super(InboxTransactionError.code, `${WHAT[why]}. ${InboxTransactionError.advice}`);
  }
}
