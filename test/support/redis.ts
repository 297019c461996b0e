import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { deleteKeys } from './delete-keys.js';
import { startRedis } from './redis-server.js';
import { secret } from './secrets.js';

export interface TestRedis {
  readonly url: string;
  /** Begins every key of this test file. */
  readonly prefix: string;
  readonly client: Redis;
  /** True: only this test file uses the server. */
  readonly ours: boolean;
  /** Removes this file's keys, closes the client, stops the server where it is our own. */
  cleanup(): Promise<void>;
}

/** A key space for one test file: on REDIS_URL where it is set, else on a private server. */
export async function testRedis(): Promise<TestRedis> {
  // A server that was named is meant, wherever else one could be had.
  const given = process.env['REDIS_BINARY'] ? undefined : process.env['REDIS_URL'];
  const server = given
    ? undefined
    : await startRedis({ args: ['--requirepass', secret('server')] });
  const url = given ?? server!.url;
  const prefix = `test:${randomBytes(6).toString('hex')}:`;
  const client = new Redis(url);
  client.on('error', () => undefined);
  return {
    url,
    prefix,
    client,
    ours: server !== undefined,
    async cleanup() {
      if (!server) await deleteKeys(client, prefix);
      client.disconnect();
      await server?.stop();
    },
  };
}
