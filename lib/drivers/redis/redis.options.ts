import type { ConnectionOptions } from 'node:tls';
import type { Redis } from 'ioredis';
import type { NatMap } from './cluster/topology.js';

/** Where one sentinel listens. */
export interface SentinelAddress {
  readonly host: string;
  /** @default 26379 */
  readonly port?: number;
}

/** Where one node of a cluster listens. */
export interface NodeAddress {
  readonly host: string;
  /** @default 6379 */
  readonly port?: number;
}

/** Where Redis is and how to talk to it. */
export interface RedisOptions {
  /** `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. Instead of host and port. */
  readonly url?: string;
  /** @default 'localhost' */
  readonly host?: string;
  /** @default 6379 */
  readonly port?: number;
  /** @default Redis's own default user */
  readonly username?: string;
  readonly password?: string;
  /** Number of the database. Not with `cluster`. @default 0 */
  readonly db?: number;
  /** Options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername` … as texts or buffers. */
  readonly tls?: ConnectionOptions;
  /** Sentinels that say where the master is, instead of `url` or `host` and `port`. Needs `name`. */
  readonly sentinels?: readonly SentinelAddress[];
  /** What the sentinels call the master, for example `'mymaster'`. */
  readonly name?: string;
  /** Some nodes of a cluster, instead of `url` or `host` and `port`; the others are learned from them. */
  readonly cluster?: readonly NodeAddress[];
  /** Where nodes are reached that the cluster announces under another address: `'10.0.0.1:6379'`. */
  readonly natMap?: NatMap;
  /** For the sentinels themselves; `username` and `password` are for the master. */
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  /** TLS to the sentinels; `tls` is for the master. */
  readonly sentinelTls?: ConnectionOptions;
  /**
   * Makes a client of your own, a new one at each call: the library needs several connections, and
   * owns, configures and closes what it is given. Must not set `keyPrefix` (use the library's) or
   * `replyMapping: 'resp3'`. Create it with `lazyConnect: true`.
   */
  readonly client?: () => Redis;
  /** Longest wait for a connection, ms. @default 10000 */
  readonly connectTimeout?: number;
  /** Longest wait for a reply, or to reconnect before a command, ms. @default 5000 */
  readonly commandTimeout?: number;
}

/** The names in {@link RedisOptions}. */
export const REDIS_OPTION_KEYS = [
  'url',
  'host',
  'port',
  'username',
  'password',
  'db',
  'tls',
  'sentinels',
  'cluster',
  'natMap',
  'name',
  'sentinelUsername',
  'sentinelPassword',
  'sentinelTls',
  'client',
  'connectTimeout',
  'commandTimeout',
] as const satisfies readonly (keyof RedisOptions)[];
