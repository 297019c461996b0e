import type { PoolClient } from 'pg';
import type { SqlTransaction, Transactions } from '../../../ports/sql-transaction.js';
import type { Database } from '../connection/database.js';
import { InboxTransactionError } from '../errors/inbox.errors.js';

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
        query: (text, values) => {
          refuseEnded(client);
          return own.query('writing the note of the inbox', text, values);
        },
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

/** @throws InboxTransactionError where nothing can be written in the transaction any more */
function refuseEnded(client: PoolClient): void {
  const status = client.getTransactionStatus();
  if (status === 'I') throw new InboxTransactionError('ended');
  if (status === 'E') throw new InboxTransactionError('failed');
}
