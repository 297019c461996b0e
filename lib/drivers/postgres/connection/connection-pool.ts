import type { Client, ClientBase, CustomTypesConfig, Pool, PoolClient } from 'pg';
import { sleep, systemClock, within } from '../../../core/clock.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import { triedFor } from '../../connections/first-connection.js';
import { connectError, isAway, isPoolBusy, sqlStateOf } from '../errors/typed-error.js';
import { loadPg } from './pg.js';
import { addressOf, clientsOf, hearErrors, type Clients } from './pg-pool.js';
import type { PostgresOptions } from './postgres.options.js';
import type { ServerWatch } from './server-watch.js';
import { valueTypes } from './value-types.js';

/** Longest wait for connections to end when the driver closes, in milliseconds. */
const FAREWELL = 1000;
/** Pause before the server, or the pool, is asked for a connection again, in milliseconds. */
const PAUSE = 100;
/** The pool itself gives up a little earlier, and says why, in milliseconds. */
const GRACE = 100;
const NO_ANSWER = 'there was no answer so far';

/** How a client is taken out of the pool. */
export interface TakeOptions {
  /** Longest wait, in milliseconds. 0: one try. @default connectTimeout */
  readonly patience?: number;
  /**
   * For what a transaction of the application waits for, which may hold the last client of its pool:
   * takes a client beside that pool.
   */
  readonly aside?: boolean;
}

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
  #unfollow: (() => void) | undefined;
  private closing: Promise<void> | undefined;

  private readonly connectTimeout: number;

  constructor(
    options: PostgresOptions,
    private readonly watch: ServerWatch,
  ) {
    this.#options = options;
    this.connectTimeout = options.connectTimeout ?? 10_000;
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
   * Takes a client out of the pool. It must be released. While the server is away, or takes no more
   * connections, this waits.
   * @throws PostgresConnectionError, ClosedError
   */
  async take(action: string, options: TakeOptions = {}): Promise<PoolClient> {
    const { patience = this.connectTimeout, aside = false } = options;
    const clients = await this.load();
    const pool = aside ? clients.aside : clients.pool;
    const deadline = systemClock.now() + patience;
    for (let last: unknown; ;) {
      this.refuseClosed();
      const left = deadline - systemClock.now();
      if (left > 0 && this.watch.isTrying) await this.watch.answers(left);
      const isLate = patience > 0 && systemClock.now() >= deadline;
      try {
        if (isLate) throw (last ?? this.watch.lastError ?? new Error(NO_ANSWER)) as Error;
        return await this.takeNow(pool, patience > 0 ? left : this.connectTimeout);
      } catch (error) {
        last = error;
        this.refuseClosed();
        if (!isShort(error)) this.watch.failed(error);
        const isOver = patience > 0 && systemClock.now() >= deadline;
        if (isOver) throw connectError(error, action + this.tried(patience));
        if (patience === 0 || !(isAway(error) || isShort(error))) throw connectError(error, action);
        if (isShort(error)) await sleep(systemClock, PAUSE);
      }
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

  /** @param ms longest wait, in milliseconds */
  private async takeNow(pool: Pool, ms: number): Promise<PoolClient> {
    for (;;) {
      const client = await inTime(pool.connect(), ms);
      hearErrors(client);
      if ((this.#made.get(client) ?? 0) >= this.watch.lostAt) return client;
      // Made before the outage, so it may be broken without having noticed.
      client.release(true);
    }
  }

  private tried(ms: number): string {
    return triedFor(addressOf(this.#options), ms);
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
    const onError = (error: Error): void => this.watch.failed(withoutClient(error));
    const onConnect = (client: PoolClient): void => {
      hearErrors(client);
      this.#made.set(client, systemClock.now());
      if (!own) return;
      this.#open.add(client);
      client.once('end', () => this.#open.delete(client));
    };
    pool.on('error', onError).on('connect', onConnect);
    // The pool of the application outlives this driver.
    if (!own) this.#unfollow = () => pool.off('error', onError).off('connect', onConnect);
  }

  private async end(): Promise<void> {
    const clients = await this.#clients?.catch(() => undefined);
    this.#unfollow?.();
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

/** The server is there, and has no connection for this statement. */
const isShort = (error: unknown): boolean => isPoolBusy(error) || sqlStateOf(error) === '53300';

/** A client that comes too late is given back. */
async function inTime(taking: Promise<PoolClient>, ms: number): Promise<PoolClient> {
  const late = new AbortController();
  try {
    const client = await Promise.race([taking, sleep(systemClock, ms + GRACE, late.signal)]);
    if (client) return client;
  } finally {
    late.abort();
  }
  void taking.then(
    (client) => client.release(),
    () => undefined,
  );
  throw new Error(NO_ANSWER);
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
