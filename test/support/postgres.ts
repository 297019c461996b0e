import { Pool } from 'pg';
import {
  startPostgres,
  type PostgresServer,
  type StartPostgresOptions,
} from './postgres-server.js';

export interface TestPostgres {
  /** Of a database that is empty at the start. */
  readonly url: string;
  readonly server: PostgresServer;
  /** Connections of the test itself, as the superuser, to that database. */
  readonly pool: Pool;
  /** Closes the pool and stops the server. */
  cleanup(): Promise<void>;
}

/** An empty database for one test file, on a private server. */
export async function testPostgres(options: StartPostgresOptions = {}): Promise<TestPostgres> {
  const server = await startPostgres(options);
  const url = await server.createDatabase('test');
  const pool = new Pool({ connectionString: url });
  pool.on('error', () => undefined);
  return {
    url,
    server,
    pool,
    async cleanup() {
      await pool.end();
      await server.stop();
    },
  };
}
