/**
 * A transaction that the application has opened, as far as this library uses it. A client of `pg` is
 * one as it is. Other libraries need an adapter of a few lines.
 *
 * The library only adds statements to the transaction. The application commits it or rolls it back.
 */
export interface SqlTransaction {
  /**
   * Runs one statement in the transaction.
   * @param text the statement, with `$1`, `$2`, … for its values
   * @param values texts, numbers, `null`, and lists of texts
   * @returns the rows as objects with one property per column. A bigint is a text
   */
  query(text: string, values: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/**
 * Opens transactions of one library, for handlers with the option `inbox`.
 *
 * @typeParam T the transaction of that library, such as the EntityManager of TypeORM
 */
export interface Transactions<T> {
  /**
   * Opens a transaction and calls `work` with it. Commits when `work` has resolved, and resolves to
   * the same value. Rolls back when `work` rejects, and rejects with the same error.
   * @param work `transaction` and `sql` are the same transaction
   */
  run<R>(work: (transaction: T, sql: SqlTransaction) => Promise<R>): Promise<R>;
}

/** Whether a value can be a transaction: an object with a function `query`. */
export const isSqlTransaction = (value: unknown): value is SqlTransaction =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { query?: unknown }).query === 'function';
