import type { Client, ClientBase, PoolClient } from 'pg';
import { isBroken, isReadOnly, isSchemaMissing, typedError } from '../errors/typed-error.js';
import { SchemaMissingError } from '../errors/schema.errors.js';
import { ConnectionPool, type TakeOptions } from './connection-pool.js';
import type { DatabaseOptions } from './database.options.js';
import { addressOf, hidden } from './pg-pool.js';
import { ServerWatch } from './server-watch.js';
import { cancelled, isTimeout } from './statement-cancel.js';
import type { Answer, SchemaName, Statements } from './statements.js';
import { again, asOne } from './transaction.js';

/** Longest wait where the schema is prepared, or each row of a group changed, in milliseconds. */
const LONG = { timeout: 600_000 };

/**
 * The pool of connections of one driver. Statements have no names and set nothing on their
 * connection: a pooler may give each transaction another one. No statement is sent again whose fate
 * is not known.
 */
export class Database implements Statements {
  readonly schema: SchemaName;
  private readonly watch: ServerWatch;
  private readonly pool: ConnectionPool;
  private readonly timeout: number;
  private prepared: Promise<void> | undefined;
  private isPrepared = false;
  /** Whether a statement alone is a transaction of the right isolation level. */
  private plain = true;

  constructor(private readonly parts: DatabaseOptions) {
    const { options, events, schema } = hidden(parts);
    this.schema = schema;
    this.timeout = options.statementTimeout ?? 30_000;
    this.watch = new ServerWatch({
      events,
      probe: () => this.probe(),
      address: () => addressOf(options),
    });
    this.pool = new ConnectionPool(options, this.watch);
  }

  /** Begins to connect. A statement does so, too. */
  connect(): void {
    this.watch.begin();
    void this.ready().catch(() => undefined);
  }

  /** Whether the server could not be reached last. It is tried again all the time. */
  get isAway(): boolean {
    return this.watch.isTrying;
  }

  /** How many connections of the driver's own are open. */
  get connections(): number {
    return this.pool.connections;
  }

  /** The pool of `pg`, once there was a statement. */
  get unwrapped(): unknown {
    return this.pool.pool;
  }

  /**
   * How many milliseconds longer than `idle` an entry must have been left alone before its owner
   * counts as gone: owners that could not reach the server get time to return.
   */
  allowance(idle: number): number {
    return this.watch.allowance(idle);
  }

  /** {@link Statements.query}, in a transaction of its own. Sent again after a conflict with others. */
  async query<Row extends object>(
    action: string,
    text: string,
    values?: readonly unknown[],
  ): Promise<Answer<Row>> {
    return this.whenConnected(action, (own) => own.query<Row>(action, text, values));
  }

  /** {@link Statements.query} for a statement that has ten minutes, in place of `statementTimeout`. */
  readonly atLength: Statements = {
    query: async <R extends object>(action: string, text: string, values?: readonly unknown[]) => {
      if (!this.isPrepared) await this.ready(action);
      const work = (own: Statements) => own.query<R>(action, text, values);
      return this.alone(action, work, LONG);
    },
  };

  /**
   * {@link Statements.query}, while a transaction of the application is open: it may hold the last
   * connection of its pool, so this takes one beside the pool.
   */
  readonly aside: Statements = {
    query: async <R extends object>(action: string, text: string, values?: readonly unknown[]) => {
      await this.readyAside(action);
      const work = (own: Statements) => own.query<R>(action, text, values);
      return this.alone(action, work, { aside: true });
    },
  };

  /**
   * Carries out statements as one transaction: BEGIN, `work`, COMMIT. Where `work` rejects nothing is
   * done. After a conflict with others `work` is called again.
   */
  async transaction<T>(action: string, work: (own: Statements) => Promise<T>): Promise<T> {
    if (!this.isPrepared) await this.ready(action);
    return again(() => this.lend(action, (own) => asOne(own, action, work)));
  }

  /**
   * Calls `work` once there is a connection. For statements that depend on what was before: whether
   * the server was away is known then. Called again after a conflict with others.
   */
  async whenConnected<T>(action: string, work: (own: Statements) => Promise<T>): Promise<T> {
    if (!this.isPrepared) await this.ready(action);
    return this.alone(action, work);
  }

  /** Sends statements on a client of the application, in its transaction. Nothing is sent again. */
  on(client: Pick<ClientBase, 'query'>): Statements {
    return {
      query: async (action, text, values) => {
        if (!this.isPrepared) await this.ready(action);
        const { types } = this.pool;
        const query = { text: this.schema.into(text), values: values as unknown[], types };
        return client.query(query).catch((error: unknown) => {
          throw typedError(error, action);
        });
      },
    };
  }

  /**
   * Takes a connection of the pool, for a transaction of the application. The caller gives it back
   * with `release`.
   */
  async take(action: string): Promise<PoolClient> {
    if (!this.isPrepared) await this.ready(action);
    return this.pool.take(action);
  }

  /** A client of its own, outside of the pool, for LISTEN. Not connected. */
  single(): Promise<Client> {
    return this.pool.single();
  }

  /** Resolves when the schema can be used. */
  ready(action = 'connecting'): Promise<void> {
    this.prepared ??= this.lend(action, this.prepare, LONG).catch((error: unknown) => {
      this.prepared = undefined;
      throw error;
    });
    return this.prepared;
  }

  /** {@link ready}, while a transaction of the application is open. Undefined: it is ready. */
  readyAside(action: string): Promise<void> | undefined {
    // Not what `ready` has begun: it may wait for the connection of that transaction.
    return this.isPrepared ? undefined : this.lend(action, this.prepare, { ...LONG, aside: true });
  }

  /** Ends the driver's own connections. Idempotent. */
  async close(): Promise<void> {
    this.watch.close();
    await this.pool.close();
  }

  private probe(): Promise<unknown> {
    const ask = (own: Statements) => own.query('connecting', 'select 1');
    return this.lend('connecting', ask, { patience: 0 });
  }

  private readonly prepare = async (own: Statements): Promise<void> => {
    await this.parts.prepare(own);
    const { rows } = await own.query<{ level: string }>(
      'connecting',
      "select current_setting('default_transaction_isolation') as level",
    );
    this.plain = rows[0]!.level === 'read committed';
    this.isPrepared = true;
  };

  /** Each statement of `work` as one transaction of the right isolation level. */
  private alone<T>(
    action: string,
    work: (own: Statements) => Promise<T>,
    how?: { readonly timeout?: number; readonly aside?: boolean },
  ): Promise<T> {
    const all = (own: Statements) => (this.plain ? work(own) : asOne(own, action, work));
    return again(() => this.lend(action, all, how));
  }

  /** Lends a connection of the pool. One that cannot be used any more is not given back. */
  private async lend<T>(
    action: string,
    work: (own: Statements) => Promise<T>,
    { timeout = this.timeout, ...how }: { timeout?: number } & TakeOptions = {},
  ): Promise<T> {
    const client = await this.pool.take(action, how);
    let useless: boolean | undefined;
    const own: Statements = {
      query: async (doing, text, values) => {
        try {
          return await this.send(client, text, values, timeout);
        } catch (error) {
          if (isBroken(error) || isReadOnly(error)) useless = true;
          if (isSchemaMissing(error)) throw new SchemaMissingError(this.schema.name, error);
          throw typedError(error, doing);
        }
      },
    };
    try {
      return await work(own);
    } finally {
      client.release(useless);
    }
  }

  private async send<Row extends object>(
    client: ClientBase,
    text: string,
    values: readonly unknown[] | undefined,
    timeout: number,
  ): Promise<Answer<Row>> {
    const became = this.watch.sent();
    const query = {
      text: this.schema.into(text),
      values: values as unknown[],
      types: this.pool.types,
      query_timeout: timeout,
    };
    try {
      const answer = await client.query<Row>(query);
      this.watch.works();
      became('answered');
      return answer;
    } catch (error) {
      const broken = isBroken(error);
      if (!broken) this.watch.works();
      became(broken ? 'unanswered' : 'answered');
      if (broken) this.watch.failed(error);
      if (isTimeout(error)) throw await cancelled(client, timeout, error);
      if (isSchemaMissing(error)) this.prepared = void (this.isPrepared = false);
      throw error;
    }
  }
}
