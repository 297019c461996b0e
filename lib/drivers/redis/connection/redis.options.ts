import type { ConnectionOptions } from 'node:tls';
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
import { hostOf, isAddress, portOf } from './address.js';
import { contradictions } from './redis.problems.js';

/** Longest timer of Node, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** What a file writes in place of `host` and `port`. */
const ADDRESS = checked<string>(
  'an address such as localhost:6379; a URL such as redis://localhost:6379 goes into url',
  isAddress,
).inFiles({ is: 'text' });

const ADDRESSES = 'a list of { host, port } that is not empty';

const tls = () =>
  checked<ConnectionOptions>('an object of options of tls.connect; {} takes the defaults', isRecord)
    .inFiles({ is: 'object' })
    .secret();

const SENTINEL_ADDRESS = declareOptions('the address of a sentinel', {
  /** Name or address of the host. */
  host: text('the name or address of a host').required(),
  /** Port of the sentinel. @default 26379 */
  port: whole(1, 65_535),
});

/** Address of one sentinel. */
export interface SentinelAddress extends Given<typeof SENTINEL_ADDRESS> {}

const NODE_ADDRESS = declareOptions('the address of a node', {
  /** Name or address of the host. */
  host: text('the name or address of a host').required(),
  /** Port of the node. @default 6379 */
  port: whole(1, 65_535),
});

/**
 * A client of ioredis for one server, by the parts that a client of another library or of a cluster
 * lacks. The declarations of the package name no type of ioredis, so that an application without
 * ioredis compiles, too.
 */
export interface RedisClient {
  /** How the client connects. The library changes some of them. */
  readonly options: object;
  /** `wait` until the client is told to connect. */
  readonly status: 'wait' | 'reconnecting' | 'connecting' | 'connect' | 'ready' | 'close' | 'end';
  /** The socket. */
  readonly stream: { destroy(): unknown };
  /** Resolves when commands can be sent. */
  connect(): Promise<void>;
  /** Closes the connection at once. */
  disconnect(reconnect?: boolean): void;
}

/** Declares each option of a connection to Redis. */
export const REDIS_OPTIONS = declareOptions(
  'a connection to Redis',
  {
    /**
     * `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. Not together with `host`,
     * `port`, `username`, `password`, `db` or `client`. @default `host` and `port`
     */
    url: text('a text such as redis://host:6379 or rediss://host:6379').secret(),
    /** Address of the server. @default 'localhost' */
    host: text().alias('address', ADDRESS, hostOf),
    /** Port of the server. @default 6379 */
    port: whole(1, 65_535).alias('address', ADDRESS, portOf),
    /**
     * Accepted where a file or an application brings the size of a pool from another client. Has no
     * effect: the library opens the connections that it needs, and says at start how many those are.
     * @default none
     */
    poolSize: whole(1),
    /** User of Redis's ACL. @default the default user of Redis */
    username: anyText(),
    /** Password of the user. @default none */
    password: anyText().secret(),
    /** Number of the database. Not with `cluster`. @default 0 */
    db: whole(0),
    /**
     * Options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername` … as texts or buffers:
     * docs/security.md#tls. @default no TLS, unless the `url` begins with `rediss://`
     */
    tls: tls(),
    /**
     * Sentinels that know the master, a list of `{ host, port = 26379 }`, instead of `url` or `host`
     * and `port`. Needs `name`: docs/deployment.md#sentinel. @default none
     */
    sentinels: list(nested(SENTINEL_ADDRESS), ADDRESSES, 1),
    /** With `sentinels`: their name of the master, for example `'mymaster'`. @default none */
    name: text(),
    /**
     * Some nodes of a cluster, a list of `{ host, port = 6379 }`, instead of `url`, `host`, `port` and
     * `db`. The library learns the others from them: docs/deployment.md#cluster.
     * @default none
     */
    cluster: list(nested(NODE_ADDRESS), ADDRESSES, 1),
    /**
     * With `cluster`: maps addresses that the cluster announces, such as `'10.0.0.1:6379'`, to
     * those under which the nodes are reached. @default none
     */
    natMap: checked<Readonly<Record<string, { readonly host: string; readonly port: number }>>>(
      "an object such as { '10.0.0.1:6379': { host, port } }",
      isRecord,
    ).inFiles({ is: 'object' }),
    /** User at the sentinels; `username` and `password` are for the master. @default none */
    sentinelUsername: anyText(),
    /** Password of the user at the sentinels. @default none */
    sentinelPassword: anyText().secret(),
    /** TLS to the sentinels; `tls` is for the master. @default no TLS */
    sentinelTls: tls(),
    /**
     * Makes an ioredis client of your own, a new one at each call, instead of `url` or `host` and
     * `port`.
     *
     * The library calls it for each connection, and again for each connection that replaces one. It
     * sets how the client reconnects, queues and times out, and closes the client. The client needs
     * `lazyConnect: true`, and must not set `keyPrefix` (use the library's) or
     * `replyMapping: 'resp3'`; else it is an InvalidOptionsError. @default the library's own
     */
    client: func<() => RedisClient>('a function that makes a new ioredis client at each call'),
    /**
     * Longest wait for a connection, when starting too, in milliseconds. 2147483647 at most.
     * @default 10000
     */
    connectTimeout: whole(1, LONGEST_TIMEOUT).duration(),
    /**
     * Longest wait for a reply, and for a connection before a command, in milliseconds. 2147483647 at
     * most. @default 5000
     */
    commandTimeout: whole(1, LONGEST_TIMEOUT).duration(),
    /**
     * Most bytes of messages that this process has read and not yet settled, of all its streams
     * together: docs/options.md#large-messages. At this limit reading waits, so that few large
     * messages run at a time, even where `concurrency` allows more. Each reader may always have one message.
     * @default 8388608, 8 MiB
     */
    maxReadBytes: whole(1),
  },
  contradictions,
);

/** Where Redis is, and how to connect to it. */
export interface RedisOptions extends Given<typeof REDIS_OPTIONS> {}
