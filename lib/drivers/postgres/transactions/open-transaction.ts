import { InvalidMessageError } from '../../../core/errors/publishing.errors.js';
import type { SqlTransaction } from '../../../ports/sql-transaction.js';
import { typedError } from '../errors/typed-error.js';

/** What clients and pools of `pg` have beside `query`. */
interface OfPg {
  /** `I`: no transaction is open. */
  getTransactionStatus?(): string | null;
  /** Of a pool: each of its statements is a transaction of its own. */
  readonly totalCount?: number;
}

/** What managers, query runners and data sources of TypeORM have. Their `query` answers no `rows`. */
interface OfTypeOrm {
  getRepository?(): unknown;
  readonly isTransactionActive?: boolean;
}

/**
 * Refuses a pool or client of `pg` on which no transaction is open: what it writes would stay after a
 * rollback. Refuses objects of TypeORM, which need their adapter. Other transactions cannot be asked.
 * @throws InvalidMessageError
 */
export function requireOpenTransaction(transaction: SqlTransaction & OfPg & OfTypeOrm): void {
  if (transaction.getRepository || transaction.isTransactionActive !== undefined) {
    throw new InvalidMessageError(
      'This object of TypeORM is no transaction as it is. Use typeOrmTransaction(manager)',
    );
  }
  if (transaction.totalCount !== undefined) {
    throw new InvalidMessageError(
      "A pool is no transaction. Take a client by pool.connect(), and begin by client.query('begin')",
    );
  }
  if (transaction.getTransactionStatus?.() === 'I') {
    throw new InvalidMessageError(
      "No transaction is open on this client. Await client.query('begin') first",
    );
  }
}

/**
 * Sends one statement in a transaction of the application. Nothing is sent again.
 * @throws StreamsError of a kind that says what went wrong
 */
export async function queryWithin<Row>(
  transaction: SqlTransaction,
  action: string,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    return (await transaction.query(text, values)).rows as Row[];
  } catch (error) {
    throw typedError(error, action);
  }
}
