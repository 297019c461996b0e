// @ts-check
import * as boss from './backlogs/boss.js';
import * as bull from './backlogs/bull.js';
import * as channel from './backlogs/channel.js';
import * as deliveries from './backlogs/deliveries.js';
import * as jetstream from './backlogs/jetstream.js';
import * as stream from './backlogs/stream.js';
import * as table from './backlogs/table.js';
import * as topic from './backlogs/topic.js';
import { Child } from './child/child.js';
import { KafkaOfBench } from './server/kafka.js';
import { NatsOfBench } from './server/nats.js';
import { PostgresOfBench } from './server/postgres.js';
import { RedisOfBench } from './server/redis.js';

/** The servers that are started when a workload asks for them. */
const SERVERS = { nats: NatsOfBench, postgres: PostgresOfBench, kafka: KafkaOfBench };

/**
 * Where the messages of a system lie; of all others in streams of Redis.
 *
 * @type {Record<string, { server?: keyof typeof SERVERS, backlog: object }>}
 */
const PLACES = {
  bullmq: { backlog: bull },
  'nest-bullmq': { backlog: bull },
  'nest-redis': { backlog: channel },
  'pg-loop': { server: 'postgres', backlog: table },
  'pg-boss': { server: 'postgres', backlog: boss },
  'ours-postgres': { server: 'postgres', backlog: deliveries },
  'nats-client': { server: 'nats', backlog: jetstream },
  'ours-nats': { server: 'nats', backlog: jetstream },
  kafkajs: { server: 'kafka', backlog: topic },
  'ours-kafka': { server: 'kafka', backlog: topic },
};

/** @typedef {NatsOfBench | PostgresOfBench | KafkaOfBench} AnyServer */

/**
 * @typedef {object} Settings
 * @property {boolean} quick
 * @property {number} rounds
 * @property {string} [profile] folder for a CPU profile of each process
 * @property {(line: string) => void} log
 */

/** What a workload runs on: private servers, and processes that live as long as the workload. */
export class Stage {
  /** @type {Map<string, Promise<Child>>} */
  #children = new Map();
  /** @type {Set<string>} */
  #filled = new Set();
  /** @type {Map<string, Promise<AnyServer>>} */
  #servers = new Map();
  #names = 0;

  /**
   * @param {RedisOfBench} ofRedis
   * @param {Settings} settings
   */
  constructor(ofRedis, settings) {
    this.ofRedis = ofRedis;
    this.settings = settings;
    this.url = ofRedis.url;
    this.redis = ofRedis.client;
  }

  /** @param {Settings} settings */
  static async open(settings) {
    return new Stage(await RedisOfBench.start(), settings);
  }

  /** The same process for the same system and number. @param {string} system @param {number} [number] */
  child(system, number = 0) {
    const key = `${system} ${number}`;
    const known = this.#children.get(key);
    if (known) return known;
    const started = Child.start(system, this.#execArgv(system));
    this.#children.set(key, started);
    return started;
  }

  /** The server that a system runs on. @param {string} system @returns {Promise<any>} */
  async serverOf(system) {
    const { server } = PLACES[system] ?? {};
    return server === undefined ? this.ofRedis : this.server(server);
  }

  /** A private server, started when a workload asks for it first. @param {keyof typeof SERVERS} name */
  server(name) {
    const started = this.#servers.get(name) ?? SERVERS[name].start();
    this.#servers.set(name, started);
    return started;
  }

  /** PostgreSQL that keeps every commit. @returns {Promise<PostgresOfBench>} */
  postgres() {
    return /** @type {Promise<PostgresOfBench>} */ (this.server('postgres'));
  }

  /** Of a server; undefined where no workload has needed it. @param {keyof typeof SERVERS} name */
  async versionOf(name) {
    return (await this.#servers.get(name))?.version();
  }

  /** Where the messages of a system lie. @param {string} system @returns {any} */
  backlog(system) {
    return PLACES[system]?.backlog ?? stream;
  }

  /**
   * Puts messages where the system takes them from. Where reading leaves them, that is done once.
   *
   * @param {string} system
   * @param {{ streams: readonly string[], total: number, size: number, retryDelay: number }} wanted
   */
  async fill(system, wanted) {
    const backlog = this.backlog(system);
    const { client, url } = await this.serverOf(system);
    const key = `${url} ${wanted.streams[0]}`;
    if (backlog.stays && this.#filled.has(key)) return;
    await backlog.fill(client, wanted);
    if (backlog.stays) this.#filled.add(key);
  }

  /** A name that no run before had. @param {string} word */
  freshName(word) {
    return `${word}-${++this.#names}`;
  }

  /** CPU time of Redis, µs. */
  redisCpu() {
    return this.ofRedis.cpu();
  }

  /** Empties the servers. */
  async clear() {
    await this.ofRedis.clear();
    for (const server of this.#servers.values()) await (await server).clear();
    this.#filled.clear();
  }

  /** Ends the processes. */
  async dismiss() {
    const children = await Promise.allSettled(this.#children.values());
    this.#children.clear();
    const started = children.flatMap((child) => (child.status === 'fulfilled' ? child.value : []));
    await Promise.all(started.map((child) => child.close()));
  }

  async close() {
    await this.dismiss();
    await this.ofRedis.stop();
    for (const server of this.#servers.values()) await (await server).stop();
  }

  /** @param {string} system */
  #execArgv(system) {
    const { profile } = this.settings;
    if (!profile) return [];
    const name = `${this.freshName(system)}.cpuprofile`;
    return ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}`];
  }
}
