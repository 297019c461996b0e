import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { Transactions } from '../../../ports/sql-transaction.js';
import type { Database } from '../connection/database.js';
import type { Answer, Statements } from '../connection/statements.js';
import { InboxTransactionError } from '../errors/inbox.errors.js';
import { sqlStateOf } from '../errors/typed-error.js';
import { handlersClient } from './handlers-client.js';
import { MARK, type MarkedTransaction } from './marked-transaction.js';

/** A statement before this one has failed. */
const IN_FAILED_TRANSACTION = '25P02';

/** Opens transactions on connections of a pool of `pg`. Each bears a mark, until it ends. */
export class OwnTransactions implements Transactions<PoolClient> {
  constructor(private readonly database: Database) {}

  async run<R>(work: (transaction: PoolClient, sql: MarkedTransaction) => Promise<R>): Promise<R> {
    const client = await this.database.take('opening a transaction');
    const own = this.database.on(client);
    const lent = handlersClient(client);
    const mark = randomUUID();
    let isBroken = false;
    try {
      // SET takes no snapshot: the handler may still choose the isolation level.
      await own.query('opening a transaction', `begin; set local ${MARK} = '${mark}'`);
      const result = await work(lent.client, {
        mark,
        query: (text, values) => {
          lent.revoke();
          return note(own, client, text, values);
        },
      });
      await own.query('committing', 'commit');
      return result;
    } catch (error) {
      lent.revoke();
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
