import type { Client, ClientBase, CustomTypesConfig, Pool, PoolClient } from 'pg';
import { systemClock, within } from '../../../core/clock.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import { connectError, isPoolBusy, sqlStateOf } from '../errors/typed-error.js';
import { loadPg } from './pg.js';
import { clientsOf, hearErrors, type Clients } from './pg-pool.js';
import type { PostgresOptions } from './postgres.options.js';
import type { ServerWatch } from './server-watch.js';
import { valueTypes } from './value-types.js';

/** Longest wait for connections to end when the driver closes, in milliseconds. */
const FAREWELL = 1000;

/** The clients of one driver: those of the pool, and single ones. */
export class ConnectionPool {
  /** Private by `#`, as the others are: `inspect` would show the password. */
  readonly #options: PostgresOptions;
  #clients: Promise<Clients> | undefined;
  #opened: (Clients & { readonly types: CustomTypesConfig }) | undefined;
  /** Connected clients that the driver made. */
  readonly #open = new Set<ClientBase>();
  /** When clients of the pool were made, by the clock that never jumps. */
  readonly #made = new WeakMap<ClientBase, number>();
  private closing: Promise<void> | undefined;

  constructor(
    options: PostgresOptions,
    private readonly watch: ServerWatch,
  ) {
    this.#options = options;
  }

  /** How many connections of the driver's own are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** The pool of `pg`, once there was a statement. */
  get pool(): unknown {
    return this.#opened?.pool;
  }

  /** How values are read. There was a client before. */
  get types(): CustomTypesConfig {
    return this.#opened!.types;
  }

  /**
   * Takes a client out of the pool. It must be released.
   * @param aside for what a transaction of the application waits for, which may hold the last client
   * of its pool: a client beside that pool
   * @throws PostgresConnectionError, ClosedError
   */
  async take(action: string, aside = false): Promise<PoolClient> {
    this.refuseClosed();
    const clients = await this.load();
    const pool = aside ? clients.aside : clients.pool;
    try {
      for (;;) {
        const client = await pool.connect();
        hearErrors(client);
        if ((this.#made.get(client) ?? 0) >= this.watch.lostAt) return client;
        // Made before the outage, so it may be broken without having noticed.
        client.release(true);
      }
    } catch (error) {
      this.refuseClosed();
      if (!isPoolBusy(error) && sqlStateOf(error) !== '53300') this.watch.failed(error);
      throw connectError(error, action);
    }
  }

  /** A client of its own, not connected. */
  async single(): Promise<Client> {
    this.refuseClosed();
    const client = (await this.load()).single();
    hearErrors(client);
    client.once('end', () => this.#open.delete(client));
    this.#open.add(client);
    return client;
  }

  /** Makes sure that the package `pg` is loaded. @throws MissingPackageError */
  load(): Promise<Clients> {
    this.#clients ??= this.open();
    return this.#clients;
  }

  /**
   * Ends the driver's own connections, once the statements under way have been answered, or after a
   * second. Idempotent.
   */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async open(): Promise<Clients> {
    const pg = await loadPg();
    const clients = clientsOf(this.#options, pg);
    const { pool, aside, own } = clients;
    this.follow(pool, own);
    if (aside !== pool) this.follow(aside, true);
    this.#opened = { ...clients, types: valueTypes(pg.types) };
    return clients;
  }

  private follow(pool: Pool, own: boolean): void {
    pool.on('error', (error) => this.watch.failed(withoutClient(error)));
    pool.on('connect', (client) => {
      hearErrors(client);
      this.#made.set(client, systemClock.now());
      if (!own) return;
      this.#open.add(client);
      client.once('end', () => this.#open.delete(client));
    });
  }

  private async end(): Promise<void> {
    const clients = await this.#clients?.catch(() => undefined);
    if (clients?.own || clients?.aside !== clients?.pool) void clients?.aside.end();
    const ended = [...this.#open].map(
      (client) => new Promise<void>((resolve) => client.once('end', () => resolve())),
    );
    await within(systemClock, FAREWELL, Promise.all(ended));
    // A server that hangs says no farewell, and would keep this process alive.
    for (const client of this.#open) destroy(client);
  }

  private refuseClosed(): void {
    if (this.closing) throw new ClosedError('The connection to PostgreSQL');
  }
}

/** `pg` adds the client, which knows the password, to the error of an idle client. */
function withoutClient(error: Error): Error {
  const { client: _, ...others } = error as Error & { client?: unknown };
  return Object.assign(new Error(error.message), others, { stack: error.stack });
}

/** `pg` ends a connection only by asking the server. */
function destroy(client: ClientBase): void {
  const { connection } = client as { connection?: { stream?: { destroy?: () => void } } };
  connection?.stream?.destroy?.();
}
