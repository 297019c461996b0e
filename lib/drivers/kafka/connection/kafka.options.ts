import type { ConnectionOptions } from 'node:tls';
import {
  checked,
  either,
  flag,
  list,
  nested,
  oneOf,
  text,
  anyText,
  whole,
} from '../../../core/option-schema/kinds.js';
import type { Option } from '../../../core/option-schema/option.js';
import {
  declareOptions,
  isRecord,
  type Completed,
  type Given,
} from '../../../core/option-schema/shape.js';
import { contradictions } from './kafka.problems.js';

/** Longest timer of Node, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Where Kafka is where nothing says it. */
export const DEFAULT_BROKER = 'localhost:9092';

const BROKERS = 'a list of texts such as host:9092 that is not empty';

const ssl = either(
  'true, false, or an object of options of tls.connect',
  flag(),
  checked<ConnectionOptions>('an object of options of tls.connect', isRecord).inFiles({
    is: 'object',
  }),
);

const PASSWORD_LOGIN = declareOptions('the login of Kafka', {
  /** How the password is sent, as the brokers are configured. */
  mechanism: oneOf('plain', 'scram-sha-256', 'scram-sha-512').required(),
  /** Name of the user. */
  username: anyText().required(),
  /** Password of the user. */
  password: anyText().secret().required(),
});

/** A login by user and password. */
export interface KafkaPasswordLogin extends Given<typeof PASSWORD_LOGIN> {}

/** A login by tokens of OAuth. `token` is called for each connection, and again before it expires. */
export interface KafkaTokenLogin {
  readonly mechanism: 'oauthbearer';
  readonly token: () => Promise<string>;
}

const tokenLogin = checked<KafkaTokenLogin>(
  "an object { mechanism: 'oauthbearer', token }, where token is a function",
  (value) =>
    isRecord(value) &&
    value['mechanism'] === 'oauthbearer' &&
    typeof value['token'] === 'function' &&
    Object.keys(value).length === 2,
);

const sasl = either(
  "an object { mechanism, username, password }, or { mechanism: 'oauthbearer', token }",
  nested(PASSWORD_LOGIN) as Option<KafkaPasswordLogin>,
  tokenLogin,
);

const isTopicConfig = (value: unknown): boolean =>
  isRecord(value) &&
  Object.values(value).every((one) => ['string', 'number', 'boolean'].includes(typeof one));

const TOPICS = declareOptions('the topics of Kafka', {
  /** How many partitions a topic has. A group has as many busy consumers at most. @default the brokers' */
  partitions: whole(1, 100_000),
  /** How many brokers keep each message. @default the brokers' */
  replicationFactor: whole(1, 32_767),
  /**
   * Settings of topics by the names of Kafka, such as `{ 'retention.ms': 86400000 }`.
   * @default the brokers', and `{ 'message.timestamp.type': 'LogAppendTime' }`
   */
  config: checked<Readonly<Record<string, string | number | boolean>>>(
    "an object of texts, numbers and booleans, such as { 'retention.ms': 86400000 }",
    isTopicConfig,
  ).inFiles({ is: 'object' }),
});

/** What topics are like that the driver makes. */
export interface KafkaTopicOptions extends Given<typeof TOPICS> {}

/** {@link KafkaTopicOptions} with their defaults. */
export type TopicSettings = Completed<typeof TOPICS>;

const topics = (): Option<KafkaTopicOptions, 'optional', TopicSettings> => nested(TOPICS);

const retryTopicAfter = either(
  'a whole number of at least 0, or false',
  whole(0, LONGEST_TIMEOUT).duration(),
  oneOf(false),
);

/** Declares each option of a connection to Kafka. */
export const KAFKA_OPTIONS = declareOptions(
  'a connection to Kafka',
  {
    /**
     * Brokers of one cluster, as texts `host:port`. One of them is asked for the others.
     * @default ['localhost:9092']
     */
    brokers: list(text('a text such as host:9092'), BROKERS, 1).default([DEFAULT_BROKER]),
    /** Name of this application, as brokers log it. @default 'nestjs-redis-streams' */
    clientId: text().alias('client_id').default('nestjs-redis-streams'),
    /**
     * `true` for TLS, or options of Node's `tls.connect`: `ca`, `cert`, `key`, `servername` … as texts
     * or buffers. @default no TLS
     */
    ssl: ssl.secret(),
    /**
     * How to log in: `{ mechanism: 'plain', username, password }`, also `scram-sha-256` and
     * `scram-sha-512`; or `{ mechanism: 'oauthbearer', token }`. @default without a login
     */
    sasl: sasl.secret(),
    /**
     * Longest wait for a connection, in milliseconds: at the start, and of each call while no broker
     * is reached. 2147483647 at most. @default 10000
     */
    connectTimeout: whole(1, LONGEST_TIMEOUT).duration().default(10_000),
    /**
     * Longest wait for an answer of a broker, in milliseconds. 2147483647 at most. @default 10000
     */
    requestTimeout: whole(1, LONGEST_TIMEOUT).duration().default(10_000),
    /**
     * A consumer from which the brokers have heard nothing for this time has died, in milliseconds:
     * others get its partitions. The brokers take 6000 to 1800000, unless they are configured otherwise.
     * @default the `idleTimeout` of the consumers
     */
    sessionTimeout: whole(10, LONGEST_TIMEOUT).duration(),
    /**
     * Longest time for a consumer to finish what runs of a partition that another consumer is to
     * have, in milliseconds. @default 60000
     */
    rebalanceTimeout: whole(1, LONGEST_TIMEOUT).duration().default(60_000),
    /**
     * A name that this process keeps when it is started again, and that no other process has. Its
     * consumers then keep their partitions over a restart that takes less than `sessionTimeout`: no
     * rebalance. A consumer that ends for good keeps its partitions from the others for as long.
     * @default none
     */
    instanceId: text(),
    /**
     * Interval at which the driver asks for the partitions of topics, in milliseconds. Raised numbers
     * of partitions are seen after this time. @default 15000
     */
    metadataMaxAge: whole(10, LONGEST_TIMEOUT).duration().default(15_000),
    /**
     * Bytes of messages that a consumer reads ahead. Above them it asks for nothing more. Retries that
     * wait in memory until they are due are bounded apart, by as much.
     * @default 33554432, 32 MiB
     */
    maxBufferedBytes: whole(1).default(33_554_432),
    /**
     * Retries that wait longer than this are kept in a topic, in milliseconds; those that wait less, in
     * this process. `false`: all in this process. Those of handlers with `orderBy` always are.
     * @default 60000
     */
    retryTopicAfter: retryTopicAfter.default(60_000),
    /**
     * What is settled is committed after this time at the latest, in milliseconds. A process that is
     * killed repeats what it has settled within it. @default 100
     */
    commitInterval: whole(0, LONGEST_TIMEOUT).duration().default(100),
    /**
     * Whether the driver makes topics that are missing. `false`: publishing to one is an error.
     * @default true
     */
    createTopics: flag().default(true),
    /**
     * What the topics are like that the driver makes. Topics that are there stay as they are.
     * @default as the brokers are configured, with the times of the brokers
     */
    topics: topics(),
    /**
     * How published messages are compressed. `snappy` needs the package of this name, `lz4` the package
     * `lz4-napi`, `zstd` the package `@bokuweb/zstd-wasm` before Node 22.15. Messages that are compressed so
     * are read where the package is installed, with any value of this option. @default 'none'
     */
    compression: oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd').default('none'),
  },
  contradictions,
);

/** Where Kafka is, and how to use it. */
export interface KafkaOptions extends Given<typeof KAFKA_OPTIONS> {}

/** {@link KafkaOptions} with their defaults. */
export type CompletedKafkaOptions = Completed<typeof KAFKA_OPTIONS>;

/** The settings of topics where none are given. */
export const DEFAULT_TOPICS: TopicSettings = TOPICS.complete({});
