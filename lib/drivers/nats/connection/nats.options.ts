import type { ConnectionOptions } from 'node:tls';
import {
  anyText,
  checked,
  list,
  nested,
  oneOf,
  part,
  text,
  whole,
} from '../../../core/option-schema/kinds.js';
import type { Option } from '../../../core/option-schema/option.js';
import {
  declareOptions,
  isRecord,
  type Completed,
  type Given,
} from '../../../core/option-schema/shape.js';
import { contradictions } from './nats.problems.js';

/** Longest timer of Node, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Where NATS is where nothing says it. */
export const DEFAULT_SERVER = 'nats://localhost:4222';

/**
 * A `NatsConnection` of the package `@nats-io/transport-node`, as far as it is checked here. The
 * declarations of the package name no type of NATS, so that an application without NATS compiles, too.
 */
export interface NatsClient {
  status(): AsyncIterable<unknown>;
  request(...given: never[]): unknown;
}

const SERVERS = 'a list of texts such as nats://host:4222 that is not empty';

const STREAMS = declareOptions('the streams of NATS', {
  /** Where JetStream keeps messages. `'memory'`: a server that ends loses them. @default 'file' */
  storage: oneOf('file', 'memory').default('file'),
  /** How many servers of a cluster keep each message, 1 to 5. @default 1 */
  replicas: whole(1, 5).default(1),
  /**
   * For how long the server knows the `idempotencyKey` of a message, in milliseconds. 100 at least.
   * @default 120000
   */
  duplicateWindow: whole(100).duration().default(120_000),
  /**
   * Age at which the server deletes messages, whether or not they were handled, in milliseconds. 100 at least.
   * @default no limit
   */
  maxAge: whole(100).duration(),
  /** Most bytes of one stream. What happens then, `discard` says. @default no limit */
  maxBytes: whole(1),
  /** Most messages of one stream. What happens then, `discard` says. @default no limit */
  maxMessages: whole(1),
  /**
   * At `maxBytes` or `maxMessages`: `'new'` refuses what is published, `'old'` deletes the oldest
   * messages, whether or not they were handled. @default 'new'
   */
  discard: oneOf('new', 'old').default('new'),
});

/** What JetStream streams are like that the driver makes. */
export interface NatsStreamOptions extends Given<typeof STREAMS> {}

/** {@link NatsStreamOptions} with their defaults. */
export type StreamSettings = Completed<typeof STREAMS>;

/** The option `streams`. */
const streams = (): Option<NatsStreamOptions, 'optional', StreamSettings> => nested(STREAMS);

/** Declares each option of a connection to NATS. */
export const NATS_OPTIONS = declareOptions(
  'a connection to NATS',
  {
    /**
     * `nats://[user:password@]host[:port]`, or `tls://` for TLS. `nats://token@host` has a token.
     * Not together with `servers` or `connection`. @default 'nats://localhost:4222'
     */
    url: text('a text such as nats://host:4222').secret(),
    /**
     * Several servers of one cluster, as texts such as `nats://host:4222` or `host:4222`, in place of
     * `url`. One of them is used; the driver learns the others of the cluster from it. @default `url`
     */
    servers: list(text('a text such as nats://host:4222'), SERVERS, 1).secret(),
    /** Name of the user. @default none */
    user: anyText().alias('username'),
    /** Password of the user. @default none */
    password: anyText().secret(),
    /** Token, in place of user and password. @default none */
    token: text().secret(),
    /** Seed of an NKey, such as `SUAC…`, in place of user and password. @default none */
    nkey: text('the seed of an NKey, which begins with SU').secret(),
    /**
     * Path of a credentials file (`.creds`), or its text, in place of user and password. A file is
     * read again at each connection. @default none
     */
    credentials: text('the path or the text of a credentials file').secret(),
    /**
     * Options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername` … as texts or buffers. `{}`
     * takes the defaults, and refuses a server without TLS. `handshakeFirst: true` for a server that
     * begins with TLS.
     * @default TLS where the server has it, or the url begins with `tls://`
     */
    tls: checked<ConnectionOptions & { readonly handshakeFirst?: boolean }>(
      'an object of options of tls.connect; {} takes the defaults',
      isRecord,
    )
      .inFiles({ is: 'object' })
      .secret(),
    /** Name of the connection on the server. @default 'nestjs-redis-streams' */
    name: text().default('nestjs-redis-streams'),
    /**
     * What the subjects begin with on which answers arrive, where the user of this connection may not
     * use the usual ones. @default '_INBOX'
     */
    inboxPrefix: text(),
    /**
     * Longest wait for a connection, in milliseconds: at the start, and of each call while no server
     * is reached. 2147483647 at most. @default 10000
     */
    connectTimeout: whole(1, LONGEST_TIMEOUT).duration().default(10_000),
    /**
     * Longest wait for an answer of the server, in milliseconds. 2147483647 at most. @default 5000
     */
    requestTimeout: whole(1, LONGEST_TIMEOUT).duration().default(5000),
    /**
     * How often the driver tries each server after a connection broke, before it gives up for good.
     * `-1`: it tries for ever. Consumers then end with an error, and only a restart helps.
     * @default for ever
     */
    maxReconnects: whole(-1),
    /**
     * An open connection of the application, made by `connect()` of `@nats-io/transport-node`, in place
     * of `url`. The driver does not close it, and it reconnects as its own options say.
     * @default a connection of the driver's own
     */
    connection: part<NatsClient>('status', 'a NatsConnection of @nats-io/transport-node').secret(),
    /**
     * What the streams are like that the driver makes. Streams of other programs stay as they are.
     * @default files, one copy, no limits
     */
    streams: streams(),
    /**
     * `'jetstream'` keeps messages until each group has handled them. `'core'` is NATS without
     * JetStream: a message that no consumer takes at once is lost. @default 'jetstream'
     */
    mode: oneOf('jetstream', 'core').default('jetstream'),
    /**
     * With `mode: 'core'`: most messages that wait in this process, of each consumer. What comes above it
     * is lost, and an event counts it. @default 10000
     */
    maxBufferedMessages: whole(1).default(10_000),
    /** With `mode: 'core'`: as `maxBufferedMessages`, in bytes. @default 33554432, 32 MiB */
    maxBufferedBytes: whole(1).default(33_554_432),
  },
  contradictions,
);

/** Where NATS is, and how to use it. */
export interface NatsOptions extends Given<typeof NATS_OPTIONS> {}

/** {@link NatsOptions} with their defaults. */
export type CompletedNatsOptions = Completed<typeof NATS_OPTIONS>;

/** The settings of streams where none are given. */
export const DEFAULT_STREAMS: StreamSettings = STREAMS.complete({});
