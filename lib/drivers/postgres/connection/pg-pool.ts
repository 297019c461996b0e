import type { ClientBase, Pool, PoolClient } from 'pg';
import { concealed } from '../../../core/option-schema/concealed.js';
import type { Pg } from './pg.js';
import type { PostgresOptions } from './postgres.options.js';

/** What makes the connections of a driver. */
export interface Clients {
  readonly pool: Pool;
  /** Makes a client outside of the pool, which is not connected. */
  single(): ClientBase & { connect(): Promise<unknown>; end(): Promise<void> };
  /** Whether the pool is the driver's own. */
  readonly own: boolean;
}

const NAME = 'nestjs-redis-streams';

/** Makes the pool, or takes that of the application. Connects nothing. */
export function clientsOf(options: PostgresOptions, pg: Pg): Clients {
  if (options.pool) {
    const pool = options.pool as unknown as Pool & { Client?: typeof pg.Client };
    const Client = pool.Client ?? pg.Client;
    return { pool, own: false, single: () => hidden(new Client(pool.options), 'a client') };
  }
  const { url, connection, maxConnections: max = 5, connectTimeout = 10_000 } = options;
  const config = {
    ...(url === undefined ? connection : { connectionString: url }),
    application_name: NAME,
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
  };
  const pool = new pg.Pool({ ...config, max, idleTimeoutMillis: 30_000 });
  return {
    pool: hidden(pool, 'a pool'),
    own: true,
    single: () => hidden(new pg.Client(config), 'a client'),
  };
}

/** Such objects have the password. */
const hidden = <T extends object>(object: T, what: string): T =>
  concealed(object, () => `${what} of PostgreSQL`);

/** Hears all errors of a client: an error without a listener ends the process. */
export function hearErrors(client: ClientBase | PoolClient): void {
  if (heard.has(client)) return;
  heard.add(client);
  client.on('error', () => undefined);
}

const heard = new WeakSet<object>();
