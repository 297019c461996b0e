import type { SqlTransaction, Transactions } from '../../../ports/sql-transaction.js';

/** A transaction of Drizzle, as far as it is used here. */
export interface DrizzleTransaction<Statement> {
  execute(statement: Statement): PromiseLike<unknown>;
}

/** A database of Drizzle, as far as it is used here. */
export interface DrizzleDatabase<Transaction> {
  transaction<R>(work: (transaction: Transaction) => Promise<R>): Promise<R>;
}

/** The function `sql` of the package `drizzle-orm`. */
export interface DrizzleSql<Statement> {
  (strings: TemplateStringsArray, ...values: unknown[]): Statement;
  param(value: unknown): unknown;
}

/**
 * A transaction of Drizzle on `pg` (`drizzle-orm/node-postgres`), for `within()`.
 *
 * ```ts
 * await db.transaction(async (tx) => {
 *   await tx.insert(orders).values(order);
 *   await outbox.within(drizzleTransaction(tx, sql)).publish('order.placed', order);
 * });
 * ```
 * @param sql the function `sql` of the package `drizzle-orm`
 */
export const drizzleTransaction = <Statement>(
  transaction: DrizzleTransaction<Statement>,
  sql: DrizzleSql<Statement>,
): SqlTransaction => ({
  query: async (text, values) => {
    // The parts of the text between $1, $2, …
    const parts = text.split(/\$\d+/);
    const used = Array.from(text.matchAll(/\$(\d+)/g), ([, at]) => values[Number(at) - 1]);
    const given = used.map((value) => sql.param(value));
    try {
      const statement = sql(parts as unknown as TemplateStringsArray, ...given);
      return (await transaction.execute(statement)) as { rows: unknown[] };
    } catch (error) {
      // The error of the server is inside of that of Drizzle.
      throw (error as Error).cause ?? error;
    }
  },
});

/**
 * Opens transactions of a database of Drizzle on `pg`, for the inbox: handlers get the transaction of
 * Drizzle.
 *
 * ```ts
 * inbox: new PostgresInbox({ url, transactions: drizzleTransactions(db, sql) })
 * ```
 * @param sql the function `sql` of the package `drizzle-orm`
 */
export const drizzleTransactions = <Statement, Transaction extends DrizzleTransaction<Statement>>(
  database: DrizzleDatabase<Transaction>,
  sql: DrizzleSql<Statement>,
): Transactions<Transaction> => ({
  run: (work) =>
    database.transaction((transaction) => work(transaction, drizzleTransaction(transaction, sql))),
});
