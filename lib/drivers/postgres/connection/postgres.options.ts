import type { ConnectionOptions } from 'node:tls';
import {
  anyText,
  checked,
  either,
  flag,
  part,
  text,
  whole,
} from '../../../core/option-schema/kinds.js';
import { declareOptions, isRecord, type Given } from '../../../core/option-schema/shape.js';
import { contradictions } from './postgres.problems.js';

/** A `Pool` of the package `pg`, as far as it is checked here. */
export interface PgPool {
  connect(): Promise<unknown>;
  query(...given: never[]): unknown;
}

/** Longest timer of Node, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const ssl = either(
  'true, false, or an object of options of tls.connect',
  flag(),
  checked<ConnectionOptions>('an object of options of tls.connect', isRecord).inFiles({
    is: 'object',
  }),
);

/** Declares each option of a connection to PostgreSQL. */
export const POSTGRES_OPTIONS = declareOptions(
  'a connection to PostgreSQL',
  {
    /**
     * `postgres://[user:password@]host[:port]/database`. Not together with `host`, `port`, `user`,
     * `password`, `database` or `pool`. @default `host` and the others
     */
    url: text('a text such as postgres://user@host:5432/database').secret(),
    /**
     * Name or address of the host, or the folder of the server's socket.
     * @default the variable `PGHOST`, else 'localhost'
     */
    host: text(),
    /** Port of the server. @default the variable `PGPORT`, else 5432 */
    port: whole(1, 65_535),
    /** Name of the role. @default the variable `PGUSER`, else the user of this process */
    user: anyText().alias('username'),
    /** Password of the role. @default the variable `PGPASSWORD`, else none */
    password: anyText().secret(),
    /** Name of the database. @default the variable `PGDATABASE`, else the name of the role */
    database: anyText(),
    /**
     * `true` for TLS, or options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername` … as texts
     * or buffers. @default what the `url` says by `sslmode`, else no TLS
     */
    ssl: ssl.secret(),
    /**
     * A pool of the application, made by `new Pool()` of the package `pg`, instead of `url` or `host`.
     *
     * The driver does not end it. It makes one more connection with the options of the pool, for
     * hints, and another one for a moment when a transaction of the application has to wait for
     * something of the driver. @default a pool of the driver's own
     */
    pool: part<PgPool>('connect', 'a Pool of the package pg').secret(),
    /**
     * Schema of the driver's tables. Applications with different schemas share nothing.
     * @default 'streams'
     */
    schema: text('the name of a schema').default('streams'),
    /**
     * Whether the first connection makes the schema, and updates it. `false`: the first connection
     * checks the schema, which `migrate()` has to make before. @default true
     */
    migrate: flag().default(true),
    /**
     * Most connections of the driver's own pool. One more listens to hints. Not together with `pool`.
     * @default 5
     */
    maxConnections: whole(1).alias('pool_size'),
    /**
     * Whether new messages are announced by NOTIFY, so that consumers need not wait for
     * `pollInterval`. Needs a connection without a transaction pooler in between: the driver tries it
     * out, and says where hints do not arrive. @default true
     */
    hints: flag().default(true),
    /**
     * Interval at which consumers look for work that no hint has announced, in milliseconds.
     * @default 1000, and 200 where hints do not arrive
     */
    pollInterval: whole(10, LONGEST_TIMEOUT).duration(),
    /**
     * Longest wait for a connection, in milliseconds: at the start, and of each statement while the
     * server is away. 2147483647 at most. Not together with `pool`.
     * @default 10000
     */
    connectTimeout: whole(1, LONGEST_TIMEOUT).duration(),
    /**
     * Longest wait for the answer to a statement, in milliseconds. Then the statement is cancelled,
     * and its connection closed. 2147483647 at most. @default 30000
     */
    statementTimeout: whole(1, LONGEST_TIMEOUT).duration().default(30_000),
  },
  contradictions,
);

/** Where PostgreSQL is, and how to use it. */
export interface PostgresOptions extends Given<typeof POSTGRES_OPTIONS> {}
