import type { SqlTransaction } from '../../../ports/sql-transaction.js';

/** The setting that holds the mark of a transaction. The server forgets it when the transaction ends. */
export const MARK = 'streams.run';

/** A transaction, and how its statements can see that it is still the same one. */
export interface MarkedTransaction extends SqlTransaction {
  /** The value of {@link MARK} in the transaction. Undefined: the transaction has no mark. */
  readonly mark?: string;
}
