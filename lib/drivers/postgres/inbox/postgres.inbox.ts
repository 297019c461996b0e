import type { Pool, PoolClient } from 'pg';
import { EventBus } from '../../../core/event-bus.js';
import { refuse } from '../../../core/option-schema/refuse.js';
import type { CompletionKey } from '../../../core/completion.js';
import type { Inbox, InboxOutcome } from '../../../ports/inbox.js';
import type { Transactions } from '../../../ports/sql-transaction.js';
import { Database } from '../connection/database.js';
import { ensurePg } from '../connection/pg.js';
import { POSTGRES_OPTIONS, type PostgresOptions } from '../connection/postgres.options.js';
import { SchemaName } from '../connection/statements.js';
import { GarbageCollector } from '../garbage/garbage-collector.js';
import { prepareSchema } from '../schema/prepare-schema.js';
import { OwnTransactions } from './own-transactions.js';
import { SqlInbox } from './sql.inbox.js';

/** Where the inbox is, and how its transactions are opened. */
export interface PostgresInboxOptions<T = PoolClient> extends PostgresOptions {
  /**
   * Begins the name of every note. Two applications with streams of the same name need two of them.
   * @default ''
   */
  readonly keyPrefix?: string;
  /**
   * Opens the transactions that handlers write to, in the same database. @default transactions on a
   * connection of `pg`, which the handler gets
   */
  readonly transactions?: Transactions<T>;
}

/**
 * An inbox in PostgreSQL, for any message source: for the option `inbox`.
 *
 * ```ts
 * StreamsTransport({ source: redis(), inbox: new PostgresInbox({ url }) })
 * ```
 *
 * Connects with the first message.
 * @typeParam T what handlers get as their transaction
 * @throws InvalidOptionsError naming every problem
 */
export class PostgresInbox<T = PoolClient> implements Inbox<T> {
  private readonly database: Database;
  private readonly garbage: GarbageCollector;
  private readonly inbox: SqlInbox<T>;

  constructor(options: PostgresInboxOptions<T> = {}) {
    const { keyPrefix = '', transactions, ...given } = options;
    refuse(POSTGRES_OPTIONS.problems(given));
    ensurePg();
    const { schema: name, migrate } = POSTGRES_OPTIONS.complete(given);
    const schema = new SchemaName(name);
    this.database = new Database({
      options: given,
      schema,
      events: new EventBus(),
      prepare: (statements) => prepareSchema(statements, { schema, migrate }),
    });
    this.garbage = new GarbageCollector(this.database, new EventBus());
    this.garbage.start();
    this.inbox = new SqlInbox({
      database: this.database,
      schema,
      keyPrefix,
      transactions: transactions ?? (new OwnTransactions(this.database) as never),
      most: transactions ? Infinity : placesIn(given),
    });
  }

  /**
   * Carries out `work` in a transaction, together with the note that the key is done. The library
   * calls it for handlers with the option `inbox`. See docs/idempotency.md#handlers-with-an-inbox.
   */
  run<R>(
    key: CompletionKey,
    ttl: number,
    work: (transaction: T) => Promise<R>,
  ): Promise<InboxOutcome<R>> {
    return this.inbox.run(key, ttl, work);
  }

  /** How many connections its own pool has. */
  get connections(): number {
    return this.database.connections;
  }

  /** Frees the connections. Call it when the consumers have stopped. A pool of the application stays open. */
  async close(): Promise<void> {
    await this.garbage.close();
    await this.database.close();
  }
}

/** Connections that the application keeps for itself, of a pool of its own. */
const SPARED = 2;

/**
 * How many handlers may have a connection at a time. Further ones wait for their turn, and not for a
 * connection, which would fail after a time.
 */
function placesIn({ pool, maxConnections }: PostgresOptions): number {
  if (!pool) return maxConnections ?? 5;
  const { options } = pool as unknown as Pool;
  return Math.max(1, (options?.max ?? 10) - SPARED);
}
