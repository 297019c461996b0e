// @ts-check
import { Redis } from 'ioredis';
import { startRedis } from '../test/support/redis-process.js';
import * as bull from './backlogs/bull.js';
import * as channel from './backlogs/channel.js';
import * as stream from './backlogs/stream.js';
import { Child } from './child/child.js';

/** @type {Record<string, typeof stream | typeof bull | typeof channel>} */
const BACKLOGS = { bullmq: bull, 'nest-bullmq': bull, 'nest-redis': channel };

/**
 * @typedef {object} Settings
 * @property {boolean} quick
 * @property {number} rounds
 * @property {string} [profile] folder for a CPU profile of each process
 * @property {(line: string) => void} log
 */

/** What a workload runs on: a private server without persistence, and processes that live as long as the workload. */
export class Stage {
  /** @type {Map<string, Promise<Child>>} */
  #children = new Map();
  /** @type {Set<string>} */
  #filled = new Set();
  #names = 0;

  /**
   * @param {import('../test/support/redis-process.js').RedisServer} server
   * @param {Settings} settings
   */
  constructor(server, settings) {
    this.server = server;
    this.settings = settings;
    this.url = server.url;
    this.redis = new Redis(server.url);
  }

  /** @param {Settings} settings */
  static async open(settings) {
    return new Stage(await startRedis(), settings);
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

  /** @param {string} system */
  backlog(system) {
    return BACKLOGS[system] ?? stream;
  }

  /**
   * Puts messages where the system takes them from. A stream is only read, so it is filled once.
   *
   * @param {string} system
   * @param {{ streams: readonly string[], total: number, size: number, retryDelay: number }} wanted
   */
  async fill(system, wanted) {
    const backlog = this.backlog(system);
    const key = backlog === stream && wanted.streams[0];
    if (key && this.#filled.has(key)) return;
    await backlog.fill(this.redis, wanted);
    if (key) this.#filled.add(key);
  }

  /** A name that no run before had. @param {string} word */
  freshName(word) {
    return `${word}-${++this.#names}`;
  }

  /** CPU time of the server, µs. */
  async redisCpu() {
    const info = await this.redis.info('cpu');
    const seconds = (/** @type {string} */ name) =>
      Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
  }

  /** Empties the server. */
  async clear() {
    await this.redis.flushall();
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
    this.redis.disconnect();
    await this.server.stop();
  }

  /** @param {string} system */
  #execArgv(system) {
    const { profile } = this.settings;
    if (!profile) return [];
    const name = `${this.freshName(system)}.cpuprofile`;
    return ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}`];
  }
}
