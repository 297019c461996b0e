import type { ConnectionOptions } from 'node:tls';
import type { Redis } from 'ioredis';
import {
  anyText,
  checked,
  func,
  list,
  nested,
  text,
  whole,
} from '../../../core/option-schema/kinds.js';
import { declareOptions, isRecord, type Given } from '../../../core/option-schema/shape.js';
import { contradictions } from './redis.problems.js';

/** Longest timer of Node, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const ADDRESSES = 'a list of { host, port } that is not empty';

const tls = () =>
  checked<ConnectionOptions>(
    'an object of options of tls.connect; {} takes the defaults',
    isRecord,
  ).secret();

const SENTINEL_ADDRESS = declareOptions('the address of a sentinel', {
  host: text('the name or address of a host').required(),
  /** @default 26379 */
  port: whole(1, 65_535),
});

/** Address of one sentinel. */
export interface SentinelAddress extends Given<typeof SENTINEL_ADDRESS> {}

const NODE_ADDRESS = declareOptions('the address of a node', {
  host: text('the name or address of a host').required(),
  /** @default 6379 */
  port: whole(1, 65_535),
});

/** Declares each option of a connection to Redis. */
export const REDIS_OPTIONS = declareOptions(
  'a connection to Redis',
  {
    /** `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. Instead of host and port. */
    url: text('a text such as redis://host:6379 or rediss://host:6379').secret(),
    /** @default 'localhost' */
    host: text(),
    /** @default 6379 */
    port: whole(1, 65_535),
    /** @default the default user of Redis */
    username: anyText(),
    password: anyText().secret(),
    /** Number of the database. Not with `cluster`. @default 0 */
    db: whole(0),
    /** Options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername` … as texts or buffers. */
    tls: tls(),
    /** Sentinels that know the master, instead of `url` or `host` and `port`. Needs `name`. */
    sentinels: list(nested(SENTINEL_ADDRESS), ADDRESSES, 1),
    /** The name of the master at the sentinels, for example `'mymaster'`. */
    name: text(),
    /**
     * Some nodes of a cluster, instead of `url` or `host` and `port`. The library learns the others
     * from them.
     */
    cluster: list(nested(NODE_ADDRESS), ADDRESSES, 1),
    /**
     * Maps addresses that the cluster announces, such as `'10.0.0.1:6379'`, to those under which
     * the nodes are reached.
     */
    natMap: checked<Readonly<Record<string, { readonly host: string; readonly port: number }>>>(
      "an object such as { '10.0.0.1:6379': { host, port } }",
      isRecord,
    ),
    /** User at the sentinels; `username` and `password` are for the master. */
    sentinelUsername: anyText(),
    sentinelPassword: anyText().secret(),
    /** TLS to the sentinels; `tls` is for the master. */
    sentinelTls: tls(),
    /**
     * Makes a client of your own, a new one at each call: the library needs several connections,
     * and owns, configures and closes each client that it gets. The client must not set `keyPrefix`
     * (use the library's) or `replyMapping: 'resp3'`. Create it with `lazyConnect: true`.
     */
    client: func<() => Redis>('a function that makes a new ioredis client at each call'),
    /** Longest wait for a connection, in milliseconds. @default 10000 */
    connectTimeout: whole(1, LONGEST_TIMEOUT),
    /** Longest wait for a reply, or to reconnect before a command, in milliseconds. @default 5000 */
    commandTimeout: whole(1, LONGEST_TIMEOUT),
    /**
     * Maximum of bytes of messages in this process's memory: those that were read and are not yet
     * settled, of all its streams together. At this limit reading waits, so that few large messages
     * run at a time, even where `concurrency` allows more. Each reader may always have one message.
     * @default 8388608 (8 MiB)
     */
    maxReadBytes: whole(1),
  },
  contradictions,
);

/** Where Redis is, and how to connect to it. */
export interface RedisOptions extends Given<typeof REDIS_OPTIONS> {}
