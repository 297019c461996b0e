// @ts-check
import { Pool } from 'pg';
import { startPostgres } from '../../test/support/postgres-process.js';
import { childrenOf } from '../../test/support/process-children.js';
import { cpuOfProcess } from './process-cpu.js';

/**
 * As a server is that must not lose a commit: both are PostgreSQL's own defaults. So are
 * `shared_buffers` and the room for the log of changes; the servers of the tests have less.
 */
const DURABLE = {
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '128MB',
  min_wal_size: '512MB',
  max_wal_size: '2GB',
};
const SCHEMAS = `select nspname as name from pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
  union all select 'public'`;

/** A private PostgreSQL server that keeps every commit. */
export class PostgresOfBench {
  /** @param {import('../../test/support/postgres-process.js').PostgresServer} server */
  constructor(server) {
    this.server = server;
    this.url = server.url();
    this.client = new Pool({ connectionString: this.url, max: 2 });
    this.client.on('error', () => undefined);
  }

  static async start() {
    return new PostgresOfBench(await startPostgres({ settings: DURABLE }));
  }

  /** CPU time of all processes of the server, also of those that have ended, µs. */
  async cpu() {
    const { pid } = this.server;
    const own = cpuOfProcess(pid, { withEnded: true });
    return childrenOf(pid).reduce((sum, child) => sum + cpuOfProcess(child), own);
  }

  /** The version of the server. */
  async version() {
    const { rows } = await this.client.query('show server_version');
    return String(rows[0].server_version).split(' ')[0] ?? 'unknown';
  }

  /** Drops all tables. */
  async clear() {
    const { rows } = await this.client.query(SCHEMAS);
    for (const { name } of rows) await this.client.query(`drop schema "${name}" cascade`);
    await this.client.query('create schema public');
  }

  async stop() {
    await this.client.end();
    await this.server.stop();
  }
}
