// @ts-check
import * as boss from './backlogs/boss.js';
import * as bull from './backlogs/bull.js';
import * as channel from './backlogs/channel.js';
import * as deliveries from './backlogs/deliveries.js';
import * as jetstream from './backlogs/jetstream.js';
import * as stream from './backlogs/stream.js';
import * as table from './backlogs/table.js';
import { Child } from './child/child.js';
import { NatsOfBench } from './server/nats.js';
import { PostgresOfBench } from './server/postgres.js';
import { RedisOfBench } from './server/redis.js';

/** @type {Record<string, typeof stream | typeof bull | typeof channel>} */
const OF_REDIS = { bullmq: bull, 'nest-bullmq': bull, 'nest-redis': channel };
/** Systems that run on PostgreSQL. @type {Record<string, typeof table | typeof boss | typeof deliveries>} */
const OF_POSTGRES = { 'pg-loop': table, 'pg-boss': boss, 'ours-postgres': deliveries };
/** Systems that run on NATS. @type {Record<string, typeof jetstream>} */
const OF_NATS = { 'nats-client': jetstream, 'ours-nats': jetstream };

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
  /** @type {Promise<PostgresOfBench> | undefined} */
  #postgres;
  /** @type {Promise<NatsOfBench> | undefined} */
  #nats;
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

  /** The server that a system runs on. PostgreSQL and NATS are started when they are asked for. @param {string} system */
  async serverOf(system) {
    if (system in OF_NATS) return this.nats();
    return system in OF_POSTGRES ? this.postgres() : this.ofRedis;
  }

  /** A private server that keeps every commit, started when it is asked for. */
  postgres() {
    this.#postgres ??= PostgresOfBench.start();
    return this.#postgres;
  }

  /** A private server with JetStream, started when it is asked for. */
  nats() {
    this.#nats ??= NatsOfBench.start();
    return this.#nats;
  }

  /** Undefined: no workload has needed it. */
  async postgresVersion() {
    return (await this.#postgres)?.version();
  }

  /** Undefined: no workload has needed it. */
  async natsVersion() {
    return (await this.#nats)?.version();
  }

  /** Where the messages of a system lie. @param {string} system @returns {any} */
  backlog(system) {
    return OF_NATS[system] ?? OF_POSTGRES[system] ?? OF_REDIS[system] ?? stream;
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
    await (await this.#postgres)?.clear();
    await (await this.#nats)?.clear();
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
    await (await this.#postgres)?.stop();
    await (await this.#nats)?.stop();
  }

  /** @param {string} system */
  #execArgv(system) {
    const { profile } = this.settings;
    if (!profile) return [];
    const name = `${this.freshName(system)}.cpuprofile`;
    return ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}`];
  }
}
