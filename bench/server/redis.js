// @ts-check
import { Redis } from 'ioredis';
import { startRedis } from '../../test/support/redis-process.js';

/** A private Redis server without persistence. */
export class RedisOfBench {
  /** @param {import('../../test/support/redis-process.js').RedisServer} server */
  constructor(server) {
    this.server = server;
    this.url = server.url;
    this.client = new Redis(server.url);
  }

  static async start() {
    return new RedisOfBench(await startRedis());
  }

  /** CPU time of the server, µs. */
  async cpu() {
    const info = await this.client.info('cpu');
    const seconds = (/** @type {string} */ name) =>
      Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
  }

  async clear() {
    await this.client.flushall();
  }

  async stop() {
    this.client.disconnect();
    await this.server.stop();
  }
}
