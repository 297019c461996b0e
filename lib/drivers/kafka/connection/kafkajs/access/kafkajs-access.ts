import type { Socket } from 'node:net';
import type { Cluster, Kafka, KafkaConfig, SASLOptions } from 'kafkajs';
import { Backoff } from '../../../../../core/backoff.js';
import { sleep, systemClock, within } from '../../../../../core/clock.js';
import { ClosedError } from '../../../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../../../core/event-bus.js';
import { concealed } from '../../../../../core/option-schema/concealed.js';
import { registerCodecs } from '../../../compression/register-codecs.js';
import { triedFor } from '../../../../connections/first-connection.js';
import { BrokerSockets } from './broker-sockets.js';
import { BrokerWatch } from './broker-watch.js';
import type { CompletedKafkaOptions } from '../../kafka.options.js';
import { clusterOf, type KafkajsCluster } from '../library/kafkajs-cluster.js';
import { connectError, isRefused, typedError } from '../library/kafkajs-errors.js';
import { loadKafkaJS, type KafkaJS } from '../library/kafkajs-package.js';
import { keepMetadataByTopic } from '../library/metadata-by-topic.js';
import { SilentBrokers } from './silent-brokers.js';

/** Longest wait for one broker to accept a connection, in milliseconds. Then the next one is tried. */
const ONE_BROKER = 3000;
/** Longest wait for the last requests to be answered when the driver closes, in milliseconds. */
const FAREWELL = 1000;
/** A connection that the brokers end before this time, in milliseconds, is logged in again. */
const REAUTHENTICATION = 10_000;

/** What kafkajs tries again by itself: a coordinator or a leader that is being chosen. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 200, retries: 2 } as const;

/** How a {@link KafkajsCluster} is opened. */
export interface ClusterOptions {
  /** Gets each new socket, before anything is written to it. */
  readonly onSocket?: (socket: Socket) => void;
}

/**
 * The package kafkajs, as the options say. Each cluster that is opened has connections of its own: one
 * for each broker, made when it is needed.
 */
export class KafkajsAccess {
  readonly #options: CompletedKafkaOptions;
  private readonly sockets: BrokerSockets;
  private readonly watch: BrokerWatch;
  private readonly address: string;
  private readonly clusters = new Set<KafkajsCluster>();
  private readonly closing = new AbortController();
  private loading: Promise<KafkaJS> | undefined;
  private kafka: Kafka | undefined;
  private ending: Promise<void> | undefined;

  constructor(options: CompletedKafkaOptions, events: EventBus) {
    this.#options = options;
    this.address = options.brokers.join(', ');
    this.watch = new BrokerWatch(events, this.address);
    this.sockets = new BrokerSockets(this.watch);
  }

  get connections(): number {
    return this.sockets.size;
  }

  /** The client of kafkajs, once there was one. */
  get unwrapped(): unknown {
    return this.kafka;
  }

  get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  /**
   * The connections of one part of the driver. They are not made yet: see {@link connected}. kafkajs
   * hands its cluster to functions that choose partitions, and nothing else does so in public.
   * @throws MissingPackageError, ClosedError
   */
  async cluster(options: ClusterOptions = {}): Promise<KafkajsCluster> {
    const kafkajs = await this.load();
    if (this.isClosed) throw new ClosedError('The connection to Kafka');
    const silent = new SilentBrokers();
    const onSocket = (socket: Socket, broker: string): void => {
      silent.add(socket, broker);
      options.onSocket?.(socket);
    };
    const kafka = new kafkajs.Kafka(this.config(kafkajs, onSocket));
    this.kafka ??= kafka;
    let opened: Cluster | undefined;
    const consumer = kafka.consumer({
      groupId: 'none',
      metadataMaxAge: this.#options.metadataMaxAge,
      allowAutoTopicCreation: false,
      partitionAssigners: [
        ({ cluster }) => {
          opened = cluster;
          return UNUSED_ASSIGNER;
        },
      ],
    });
    consumer.on(consumer.events.REQUEST_TIMEOUT, ({ payload }) => silent.end(payload.broker));
    const cluster = clusterOf(opened!);
    keepMetadataByTopic(cluster);
    this.clusters.add(cluster);
    return concealed(cluster, () => 'connections to Kafka');
  }

  /**
   * Resolves once one broker of this cluster has accepted the connection and the login. Resolves at once
   * where there is a connection.
   * @throws KafkaConnectionError (`not-sent`) after `connectTimeout`, and at once where the login is refused
   */
  async connected(cluster: KafkajsCluster, action: string): Promise<void> {
    if (cluster.isConnected()) return;
    const { connectTimeout } = this.#options;
    const deadline = systemClock.now() + connectTimeout;
    const backoff = new Backoff();
    // What a try has failed by says more than a last one that had no time.
    let failure: unknown = new Error('the broker has not answered');
    this.watch.begin();
    for (;;) {
      if (this.isClosed) throw new ClosedError('The connection to Kafka');
      try {
        if (await answered(cluster.connect(), deadline - systemClock.now())) return;
      } catch (error) {
        if (isRefused(error)) throw typedError(error, action, 'not-sent');
        failure = error;
      }
      if (systemClock.now() >= deadline)
        throw connectError(failure, action + triedFor(this.address, connectTimeout), TRY_AGAIN);
      const left = deadline - systemClock.now();
      await sleep(systemClock, Math.min(backoff.next(), left), this.closing.signal);
    }
  }

  /** Ends the connections of one part. Never rejects. */
  async end(cluster: KafkajsCluster): Promise<void> {
    if (!this.clusters.delete(cluster)) return;
    await within(
      systemClock,
      FAREWELL,
      cluster.disconnect().catch(() => undefined),
    );
  }

  /** Ends all connections: after a second also those whose requests are not answered. Idempotent. */
  close(): Promise<void> {
    this.ending ??= this.endAll();
    return this.ending;
  }

  private async endAll(): Promise<void> {
    this.closing.abort();
    this.watch.close();
    await Promise.all([...this.clusters].map((cluster) => this.end(cluster)));
    this.sockets.destroy();
  }

  /** The package. @throws MissingPackageError */
  load(): Promise<KafkaJS> {
    this.loading ??= loadKafkaJS().then(async (kafkajs) => {
      await registerCodecs(kafkajs, this.#options.compression);
      return kafkajs;
    });
    return this.loading;
  }

  private config(
    { logLevel }: KafkaJS,
    onSocket: (socket: Socket, broker: string) => void,
  ): KafkaConfig {
    const { brokers, clientId, connectTimeout, requestTimeout } = this.#options;
    return {
      brokers: [...brokers],
      clientId,
      connectionTimeout: Math.min(connectTimeout, ONE_BROKER),
      requestTimeout,
      authenticationTimeout: requestTimeout,
      reauthenticationThreshold: REAUTHENTICATION,
      retry: RETRY,
      socketFactory: this.sockets.factory(onSocket),
      logLevel: logLevel.NOTHING,
      logCreator: () => () => undefined,
      ...securityOf(this.#options),
    };
  }
}

const TRY_AGAIN = 'Nothing was sent; try again with backoff.';

/**
 * Returns false where there is no connection after this time, in milliseconds: kafkajs may wait much longer
 * than it was told for a broker that accepts connections and says nothing.
 */
async function answered(connecting: Promise<void>, ms: number): Promise<boolean> {
  const over = new AbortController();
  const silence = sleep(systemClock, Math.max(0, ms), over.signal).then(() => false);
  return Promise.race([connecting.then(() => true), silence]).finally(() => over.abort());
}

/** kafkajs wants one. It is never asked. */
const UNUSED_ASSIGNER = {
  name: 'unused',
  version: 0,
  assign: () => Promise.resolve([]),
  protocol: () => ({ name: 'unused', metadata: Buffer.alloc(0) }),
};

/** TLS and login. Objects of kafkajs lead to them, so they are concealed from `inspect`. */
function securityOf({
  ssl,
  sasl,
}: Pick<CompletedKafkaOptions, 'ssl' | 'sasl'>): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  return {
    ...(ssl !== undefined && {
      ssl: typeof ssl === 'boolean' ? ssl : concealed({ ...ssl }, () => 'TLS options'),
    }),
    ...(sasl !== undefined && { sasl: concealed(loginOf(sasl), () => 'a login') }),
  };
}

type Sasl = NonNullable<CompletedKafkaOptions['sasl']>;

function loginOf(sasl: Sasl): NonNullable<KafkaConfig['sasl']> {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl } as SASLOptions;
  const { token } = sasl;
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => ({ value: await token() }),
  };
}
