import type { ConnectionOptions } from 'node:tls';
import {
  anyText,
  checked,
  either,
  flag,
  nested,
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

const SERVER_OPTIONS = declareOptions('connection', {
  /** Name or address of the host, or the folder of its socket. @default 'localhost' */
  host: text(),
  /** Port of the server. @default 5432 */
  port: whole(1, 65_535),
  /** Name of the role. @default the user of this process */
  user: anyText(),
  /** Password of the role. @default none */
  password: anyText().secret(),
  /** Name of the database. @default the name of the role */
  database: anyText(),
  /** `true`, or options of Node's `tls.connect`: `ca`, `cert`, `key` … @default no TLS */
  ssl: either(
    'true, false, or an object of options of tls.connect',
    flag(),
    checked<ConnectionOptions>('an object of options of tls.connect', isRecord).inFiles({
      is: 'object',
    }),
  ).secret(),
});

/** Where a PostgreSQL server is. */
export interface PostgresServerOptions extends Given<typeof SERVER_OPTIONS> {}

/** Declares each option of a connection to PostgreSQL. */
export const POSTGRES_OPTIONS = declareOptions(
  'a connection to PostgreSQL',
  {
    /**
     * `postgres://[user:password@]host[:port]/database`. Not together with `connection` or `pool`.
     * @default `connection`, else the environment variables of PostgreSQL, such as `PGHOST`
     */
    url: text('a text such as postgres://user@host:5432/database').secret(),
    /** The server in parts, instead of `url`. @default none */
    connection: nested(SERVER_OPTIONS).secret(),
    /**
     * A pool of the application, made by `new Pool()` of the package `pg`, instead of `url`. The
     * driver does not end it, and makes one more connection with the options of the pool, for hints.
     * @default a pool of the driver's own
     */
    pool: part<PgPool>('connect', 'a Pool of the package pg').secret(),
    /** Schema of the driver's tables. @default 'streams' */
    schema: text('the name of a schema, of 63 bytes at most').default('streams'),
    /**
     * Makes and updates the schema at the first connection. `false`: the driver checks the schema,
     * and `migrate()` has to be called before. @default true
     */
    migrate: flag().default(true),
    /**
     * Most connections of the driver's own pool. One more listens to hints. Has no effect beside
     * `pool`. @default 5
     */
    maxConnections: whole(1).default(5),
    /**
     * Messages are announced by NOTIFY, so that they need not wait for `pollInterval`. Needs a
     * connection without a transaction pooler in between, which is tried out. @default true
     */
    hints: flag().default(true),
    /**
     * Interval at which the driver looks for work that no hint has announced, in milliseconds.
     * @default 1000, or 200 where there are no hints
     */
    pollInterval: whole(10, LONGEST_TIMEOUT).duration(),
    /** Longest wait for a connection, in milliseconds. @default 10000 */
    connectTimeout: whole(1, LONGEST_TIMEOUT).duration().default(10_000),
    /**
     * Longest wait for the answer to a statement, in milliseconds. Then the connection is closed.
     * @default 30000
     */
    statementTimeout: whole(1, LONGEST_TIMEOUT).duration().default(30_000),
  },
  contradictions,
);

/** Where PostgreSQL is, and how to use it. */
export interface PostgresOptions extends Given<typeof POSTGRES_OPTIONS> {}
