import { sleep, systemClock } from '../../../core/clock.js';
import { Backoff } from '../../../core/backoff.js';
import type { EventBus } from '../../../core/event-bus.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { ClientBase, PoolClient } from 'pg';
import { isBroken, isConflict, isSchemaMissing, typedError } from '../errors/typed-error.js';
import { loadPg, type Pg } from './pg.js';
import { clientsOf, hearErrors, type Clients } from './pg-pool.js';
import type { PostgresOptions } from './postgres.options.js';
import { SchemaName, type Answer, type Statements } from './statements.js';

/** A transaction that conflicts with others is carried out this many times at most. */
const TRIES = 5;

export interface DatabaseOptions {
  readonly options: PostgresOptions;
  readonly schema: SchemaName;
  readonly events: EventBus;
  /** Awaited on the first connection, before any other statement. Again where it rejects. */
  readonly prepare: (statements: Statements) => Promise<void>;
}

/**
 * The pool of connections of one driver. Statements have no names and set nothing on their
 * connection: a pooler may give each transaction another one. No statement is sent again whose fate
 * is not known.
 */
export class Database implements Statements {
  readonly schema: SchemaName;
  #clients: Promise<Clients> | undefined;
  #opened: Clients | undefined;
  private prepared: Promise<void> | undefined;
  private isPrepared = false;
  private closed = false;

  constructor(private readonly parts: DatabaseOptions) {
    this.schema = parts.schema;
  }

  /** Begins to connect. A statement does so, too. */
  connect(): void {
    void this.ready().catch(() => undefined);
  }

  /** How many connections the driver's own pool has. */
  get connections(): number {
    return this.#opened?.own ? this.#opened.pool.totalCount : 0;
  }

  /** The pool of `pg`, once there was a statement. */
  get pool(): unknown {
    return this.#opened?.pool;
  }

  /** {@link Statements.query}, in a transaction of its own. Sent again after a conflict with others. */
  async query<Row extends object>(
    action: string,
    text: string,
    values?: readonly unknown[],
  ): Promise<Answer<Row>> {
    if (!this.isPrepared) await this.ready(action);
    return this.again(() => this.lend(action, (own) => own.query<Row>(action, text, values)));
  }

  /**
   * Carries out statements as one transaction: BEGIN, `work`, COMMIT. Where `work` rejects nothing is
   * done. After a conflict with others `work` is called again.
   */
  async transaction<T>(action: string, work: (own: Statements) => Promise<T>): Promise<T> {
    if (!this.isPrepared) await this.ready(action);
    return this.again(() => this.once(action, work));
  }

  /** Sends statements on a client of the application, in its transaction. Nothing is sent again. */
  on(client: Pick<ClientBase, 'query'>): Statements {
    return {
      query: (action, text, values) => this.send(client, action, text, values),
    };
  }

  /**
   * Takes a connection of the pool, for a transaction of the application. The caller gives it back
   * with `release`.
   */
  async take(action: string): Promise<PoolClient> {
    if (!this.isPrepared) await this.ready(action);
    return this.taken(action);
  }

  /** A client of its own, outside of the pool, for LISTEN. Not connected. */
  async single(): Promise<ReturnType<Clients['single']>> {
    return (await this.clients()).single();
  }

  /** Resolves when the schema can be used. */
  async ready(action = 'connecting'): Promise<void> {
    this.prepared ??= this.lend(action, (own) => this.parts.prepare(own)).then(
      () => void (this.isPrepared = true),
      (error: unknown) => {
        this.prepared = undefined;
        throw error;
      },
    );
    return this.prepared;
  }

  /** Ends the driver's own pool, when the statements under way have been answered. Idempotent. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const clients = await this.#clients?.catch(() => undefined);
    if (clients?.own) await clients.pool.end();
  }

  private clients(): Promise<Clients> {
    this.#clients ??= this.open();
    return this.#clients;
  }

  private async open(): Promise<Clients> {
    const pg: Pg = await loadPg();
    const clients = clientsOf(this.parts.options, pg);
    clients.pool.on('error', () => undefined);
    clients.pool.on('connect', hearErrors);
    this.#opened = clients;
    return clients;
  }

  /** Lends a connection of the pool. One that broke is not given back. */
  private async lend<T>(action: string, work: (own: Statements) => Promise<T>): Promise<T> {
    const client = await this.taken(action);
    let broken: boolean | undefined;
    try {
      return await work({
        query: (doing, text, values) =>
          this.send(client, doing, text, values, (error) => (broken ||= isBroken(error))),
      });
    } finally {
      client.release(broken);
    }
  }

  private async taken(action: string): Promise<PoolClient> {
    if (this.closed) throw new ClosedError('The connection to PostgreSQL');
    const { pool } = await this.clients();
    try {
      const client = await pool.connect();
      hearErrors(client);
      return client;
    } catch (error) {
      if (this.closed) throw new ClosedError('The connection to PostgreSQL');
      throw typedError(error, action, 'not-sent');
    }
  }

  private once<T>(action: string, work: (own: Statements) => Promise<T>): Promise<T> {
    return this.lend(action, async (own) => {
      await own.query(action, 'begin');
      try {
        const result = await work(own);
        await own.query(action, 'commit');
        return result;
      } catch (error) {
        await own.query(action, 'rollback').catch(() => undefined);
        throw error;
      }
    });
  }

  private async send<Row extends object>(
    client: Pick<ClientBase, 'query'>,
    action: string,
    text: string,
    values: readonly unknown[] | undefined,
    onError?: (error: unknown) => void,
  ): Promise<Answer<Row>> {
    try {
      return await client.query<Row>(this.schema.into(text), values as unknown[]);
    } catch (error) {
      onError?.(error);
      if (isSchemaMissing(error)) this.prepared = void (this.isPrepared = false);
      throw typedError(error, action, 'unknown');
    }
  }

  /** Nothing was done where there was a conflict, so the same may be sent again. */
  private async again<T>(work: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(2, 100);
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (tries === TRIES || !isConflict((error as Error).cause)) throw error;
        await sleep(systemClock, backoff.next());
      }
    }
  }
}
