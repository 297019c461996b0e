import type { PoolClient } from 'pg';
import type { SqlTransaction, Transactions } from '../../../ports/sql-transaction.js';
import type { Database } from '../connection/database.js';
import type { Answer, Statements } from '../connection/statements.js';
import { InboxTransactionError } from '../errors/inbox.errors.js';
import { sqlStateOf } from '../errors/typed-error.js';

/** A statement before this one has failed. */
const IN_FAILED_TRANSACTION = '25P02';

/** Opens transactions on connections of a pool of `pg`. */
export class OwnTransactions implements Transactions<PoolClient> {
  constructor(private readonly database: Database) {}

  async run<R>(work: (transaction: PoolClient, sql: SqlTransaction) => Promise<R>): Promise<R> {
    const client = await this.database.take('opening a transaction');
    const own = this.database.on(client);
    let isBroken = false;
    try {
      await own.query('opening a transaction', 'begin');
      const result = await work(client, {
        query: (text, values) => note(own, client, text, values),
      });
      await own.query('committing', 'commit');
      return result;
    } catch (error) {
      isBroken = await client.query('rollback').then(
        () => false,
        () => true,
      );
      throw error;
    } finally {
      client.release(isBroken);
    }
  }
}

/**
 * Sends the last statement of a transaction.
 * @throws InboxTransactionError where nothing can be written in the transaction any more
 */
async function note(
  own: Statements,
  client: PoolClient,
  text: string,
  values: readonly unknown[],
): Promise<Answer<object>> {
  if (client.getTransactionStatus() === 'I') throw new InboxTransactionError('ended');
  try {
    return await own.query('writing the note of the inbox', text, values);
  } catch (error) {
    const hasFailed = sqlStateOf((error as Error).cause) === IN_FAILED_TRANSACTION;
    throw hasFailed ? new InboxTransactionError('failed') : error;
  }
}
