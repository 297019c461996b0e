import { InvalidMessageError } from '../../../core/errors/publishing.errors.js';
import type { SqlTransaction, Transactions } from '../../../ports/sql-transaction.js';

/** The `QueryRunner` of TypeORM, as far as it is used here. */
export interface TypeOrmQueryRunner {
  readonly isTransactionActive: boolean;
  query(
    text: string,
    values: unknown[] | undefined,
    structured: true,
  ): Promise<{ readonly records: unknown[] }>;
}

/** The `EntityManager` of TypeORM, as far as it is used here. */
export interface TypeOrmManager {
  readonly queryRunner?: TypeOrmQueryRunner | undefined;
}

/** The `DataSource` of TypeORM, as far as it is used here. */
export interface TypeOrmDataSource<Manager> {
  readonly manager: Manager;
  transaction<R>(work: (manager: Manager) => Promise<R>): Promise<R>;
}

/**
 * The transaction of a TypeORM `EntityManager` or `QueryRunner`, for `within()`.
 * @throws InvalidMessageError where no transaction is open: a manager outside of
 * `dataSource.transaction(…)`
 */
export function typeOrmTransaction(open: TypeOrmManager | TypeOrmQueryRunner): SqlTransaction {
  const runner = 'isTransactionActive' in open ? open : open.queryRunner;
  if (!runner?.isTransactionActive) throw new InvalidMessageError(NOT_OPEN);
  return {
    query: async (text, values) => ({
      rows: (await runner.query(text, [...values], true)).records,
    }),
  };
}

/**
 * Opens transactions of a TypeORM `DataSource`, for the inbox: handlers get the `EntityManager`.
 *
 * ```ts
 * inbox: new PostgresInbox({ url, transactions: typeOrmTransactions(dataSource) })
 * ```
 */
export const typeOrmTransactions = <Manager extends TypeOrmManager>(
  dataSource: TypeOrmDataSource<Manager>,
): Transactions<Manager> => ({
  run: (work) => dataSource.transaction((manager) => work(manager, typeOrmTransaction(manager))),
});

const NOT_OPEN =
  'This EntityManager has no open transaction. Use the one that dataSource.transaction(…) passes to its function';
