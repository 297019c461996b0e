import type { Redis, RedisOptions as ClientOptions } from 'ioredis';
import { concealed } from '../../../core/option-schema/concealed.js';
import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { shown } from '../../../core/option-schema/wording.js';
import { loadIoredis } from './ioredis.js';
import type { RedisOptions } from './redis.options.js';
import type { Address, NatMap } from '../topology/topology.js';
import { SentinelWatch } from './sentinel-watch.js';

export type Role = 'commands' | 'publisher' | 'replicated' | 'reader' | 'replies' | 'hints';

/** Finds the address of a node of a cluster, anew for each connection. */
type Locate = () => Promise<Address>;

/** A sentinel that does not answer for this time is skipped for the next one, in milliseconds. */
const SENTINEL_PATIENCE = 2000;

/**
 * Makes all clients, with the same options. Hides these options: printing an object that has a
 * connector, or a client made by it, shows neither passwords nor keys.
 */
export class Connector {
  /** Longest wait for a connection, in milliseconds. */
  readonly connectTimeout: number;
  /** Longest wait for a reply, in milliseconds. */
  readonly commandTimeout: number;
  readonly #options: RedisOptions;
  readonly #open: Set<Redis>;
  readonly #clients = new Set<Redis>();
  private watch: SentinelWatch | undefined;

  constructor(
    options: RedisOptions,
    /** Finds the address for each new client. */
    readonly locate?: Locate,
    open = new Set<Redis>(),
  ) {
    this.#options = options;
    this.#open = open;
    this.connectTimeout = options.connectTimeout ?? 10_000;
    this.commandTimeout = options.commandTimeout ?? 5000;
  }

  /** The nodes of the cluster, where the options name one. */
  get cluster():
    { readonly seeds: readonly Address[]; readonly natMap: NatMap | undefined } | undefined {
    const { cluster, natMap } = this.#options;
    return cluster && { seeds: cluster.map(({ host, port = 6379 }) => ({ host, port })), natMap };
  }

  /**
   * Returns a connector for one node of a cluster, or for the node that `locate` finds each time.
   */
  at(locate: Locate): Connector {
    return new Connector(this.#options, locate, this.#open);
  }

  /**
   * Takes the client that the user made, configured as those of {@link create}. Undefined where
   * there is no option `client`.
   * @throws InvalidOptionsError where the client cannot be used
   */
  adopt(replyTimeout: number): Redis | undefined {
    const { client } = this.#options;
    return client && this.counted(hidden(adopt(client() as Redis, this.settings(replyTimeout))));
  }

  /** How many clients have been made that have not ended, of all nodes of a cluster. */
  get connections(): number {
    return this.#open.size;
  }

  private counted(client: Redis): Redis {
    this.#open.add(client);
    client.once('end', () => this.#open.delete(client));
    return client;
  }

  /**
   * Makes a client that has not connected yet, and that does not connect again after losing its
   * connection.
   * @param replyTimeout without any data for this time, in milliseconds, while a reply is awaited,
   * the client is closed
   * @throws InvalidOptionsError where a client that the user made cannot be used
   * @throws MissingPackageError
   */
  async create(role: Role, replyTimeout: number, address?: Address): Promise<Redis> {
    const adopted = this.adopt(replyTimeout);
    if (adopted) return adopted;
    const { Redis } = await loadIoredis();
    const { url } = this.#options;
    const options = {
      ...this.credentials(),
      ...this.sentinels(),
      ...address,
      ...this.settings(replyTimeout),
      connectionName: `nestjs-redis-streams:${role}`,
    } as ClientOptions;
    const made = hidden(url === undefined ? new Redis(options) : new Redis(url, options));
    this.#clients.add(made);
    made.once('end', () => this.#clients.delete(made));
    return this.counted(made);
  }

  /** Called when a client is about to connect. */
  connecting(): void {
    this.watch?.start();
  }

  close(): void {
    this.watch?.close();
  }

  private settings(replyTimeout: number): ClientOptions {
    return {
      lazyConnect: true,
      retryStrategy: null,
      sentinelRetryStrategy: () => null,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      connectTimeout: this.connectTimeout,
      socketTimeout: replyTimeout,
      // A server that loads its data answers how long it still needs, and is often wrong.
      maxLoadingRetryTime: 500,
      // Saves two commands, and the rights to them: they tell the server no more than the
      // connection's name does.
      disableClientInfo: true,
      // Options that a client made by the user may have set to values that break blocking reads,
      // error replies, or counts as numbers.
      commandTimeout: undefined,
      blockingTimeout: undefined,
      reconnectOnError: null,
      enableAutoPipelining: false,
      stringNumbers: false,
    };
  }

  private credentials(): ClientOptions {
    const { host, port, username, password, db, tls } = this.#options;
    const given = Object.entries({ host, port, username, password, db, tls });
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
  }

  private sentinels(): object {
    const { sentinels, name, tls } = this.#options;
    if (!sentinels) return {};
    const { sentinelUsername, sentinelPassword, sentinelTls } = this.#options;
    this.watch ??= new SentinelWatch(this.#options, sentinels, () => {
      for (const client of this.#clients) hangUp(client);
    });
    return {
      sentinels: this.watch.addresses,
      name,
      role: 'master',
      enableTLSForSentinelMode: tls !== undefined,
      sentinelUsername,
      sentinelPassword,
      sentinelTLS: sentinelTls,
      sentinelCommandTimeout: Math.min(SENTINEL_PATIENCE, this.commandTimeout),
    };
  }
}

const adopted = new WeakSet<Redis>();

/** Takes over a client that the user made, after checking it for options that break the library. */
function adopt(client: Redis, ours: object): Redis {
  if (typeof client?.options !== 'object' || typeof client.connect !== 'function') {
    throw new InvalidOptionsError([`client must make an ioredis client, not ${shown(client)}`]);
  }
  const problems: string[] = [];
  if (client.options.keyPrefix) {
    problems.push('client must not set keyPrefix: set the option keyPrefix of this library');
  }
  if (client.options.replyMapping === 'resp3') {
    problems.push("client must not set replyMapping: 'resp3'");
  }
  if (adopted.has(client)) problems.push('client must make a new ioredis client at each call');
  if (client.status !== 'wait') problems.push('client must be created with lazyConnect: true');
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  adopted.add(client);
  Object.assign(client.options, ours);
  return client;
}

/** Ends the socket at once: ioredis would wait for the server to agree, and the server may hang. */
function hangUp(client: Redis): void {
  const { stream } = client as { stream?: Redis['stream'] };
  if (stream) stream.destroy();
  else client.disconnect();
}

/** ioredis prints a client with its options and its socket, so with password and private key. */
const hidden = (client: Redis): Redis =>
  concealed(client, ({ status }) => `Redis client (${status})`);
