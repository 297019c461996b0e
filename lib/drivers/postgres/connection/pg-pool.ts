import type { Client, ClientBase, ClientConfig, Pool } from 'pg';
import { concealed } from '../../../core/option-schema/concealed.js';
import { isRecord } from '../../../core/option-schema/shape.js';
import type { Pg } from './pg.js';
import type { PostgresOptions } from './postgres.options.js';

/** What makes the connections of a driver. */
export interface Clients {
  readonly pool: Pool;
  /**
   * Where clients come from while a transaction of the application is open: it may hold the last one
   * of its pool. The pool itself where it is the driver's own.
   */
  readonly aside: Pool;
  /** Makes a client outside of the pool, which is not connected. */
  single(): Client;
  /** Whether the pool is the driver's own. */
  readonly own: boolean;
}

/** Shown in pg_stat_activity. */
const NAME = 'nestjs-redis-streams';
/** A connection that is not needed for this time is closed, in milliseconds. */
const IDLE = 30_000;
/** The same for the connection beside the pool of the application. */
const IDLE_ASIDE = 1000;

/** Makes the pool, or takes that of the application. Connects nothing. */
export function clientsOf(options: PostgresOptions, pg: Pg): Clients {
  if (options.pool) {
    const pool = options.pool as unknown as Pool & { Client?: typeof pg.Client };
    const Client = pool.Client ?? pg.Client;
    const aside = asideOf(pool, pg);
    return { pool, aside, own: false, single: () => hidden(new Client(pool.options)) };
  }
  const { maxConnections: max = 5 } = options;
  const config = configOf(options);
  const pool = hidden(new pg.Pool({ ...config, max, idleTimeoutMillis: IDLE }));
  return { pool, aside: pool, own: true, single: () => hidden(new pg.Client(config)) };
}

/** One connection with the options of a pool. The pool itself where it does not tell its options. */
function asideOf(pool: Pool & { Client?: Pg['Client'] }, pg: Pg): Pool {
  if (!isRecord(pool.options)) return pool;
  const aside = hidden(new pg.Pool(pool.options)) as typeof pool;
  Object.assign(aside.options, { max: 1, min: 0, idleTimeoutMillis: IDLE_ASIDE });
  if (pool.Client) aside.Client = pool.Client;
  return aside;
}

function configOf({ url, connectTimeout = 10_000, ...options }: PostgresOptions): ClientConfig {
  const { host, port, user, password, database, ssl } = options;
  const given = { connectionString: url, host, port, user, password, database, ssl };
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    application_name: NAME,
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
  };
}

/** Where the server should be: host and port, without the rest of the url. */
export function addressOf({ url, pool, ...given }: PostgresOptions): string {
  const { options } = (pool ?? {}) as { options?: ClientConfig };
  const text = url ?? options?.connectionString;
  if (text !== undefined && URL.canParse(text)) {
    const { hostname, port, searchParams } = new URL(text);
    return `${searchParams.get('host') ?? hostname}:${port || 5432}`;
  }
  const { host, port } = options ?? given;
  const { PGHOST = 'localhost', PGPORT = 5432 } = process.env;
  return `${host ?? PGHOST}:${port ?? PGPORT}`;
}

/** Keeps `inspect` out of an object that has the password. */
export const hidden = <T extends object>(object: T): T =>
  concealed(object, ({ constructor }) => `${constructor.name} of PostgreSQL`);

const heard = new WeakSet<object>();

/** Hears all errors of a client: an error without a listener ends the process. */
export function hearErrors(client: ClientBase): void {
  if (heard.has(client)) return;
  heard.add(client);
  client.on('error', () => undefined);
}
