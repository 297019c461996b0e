import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redis } from '../../../lib/drivers/redis/redis.driver.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { inAllSlots } from '../../support/in-all-slots.js';
import type { WorkerProcess } from './worker-process.js';
import { GROUP, STREAM, WorkerScene, type StoredEntry } from './worker-scene.js';

export * from './worker-scene.js';

/** A scene on Redis. */
export class Scene extends WorkerScene {
  protected readonly place: { readonly redis: { readonly url: string } };

  private constructor(
    override readonly server: RedisServer,
    directory: string,
    /** Straight to the server, past every proxy. */
    readonly client: Redis,
  ) {
    super(server, directory, inAllSlots(redis({ url: server.url })));
    this.place = { redis: { url: server.url } };
  }

  static async open(args: readonly string[] = []): Promise<Scene> {
    const server = await startRedis({ args });
    const directory = await mkdtemp(join(tmpdir(), 'streams-faults-'));
    const client = new Redis(server.url, { retryStrategy: () => 50 });
    client.on('error', () => undefined);
    return new Scene(server, directory, client);
  }

  protected async disconnect(): Promise<void> {
    this.client.disconnect();
  }

  /** Entries that some group has not settled, or has not read. */
  async left(): Promise<number> {
    let left = 0;
    for (const { pending, last } of await this.groups()) {
      const unread = await this.client.xrange(STREAM, `(${last}`, '+', 'COUNT', 1);
      left += pending + unread.length;
    }
    return left;
  }

  /** Ids pending to a worker, or to all. */
  async pending(worker?: WorkerProcess): Promise<string[]> {
    const whose = worker ? [worker.name] : [];
    const rows = await this.client.call('XPENDING', STREAM, GROUP, '-', '+', 100_000, ...whose);
    return (rows as [string][]).map(([id]) => id);
  }

  async entries(stream: string): Promise<StoredEntry[]> {
    const entries = await this.client.xrange(stream, '-', '+');
    return entries.map(([id, fields]) => ({ id, fields }));
  }

  length(stream: string): Promise<number> {
    return this.client.xlen(stream);
  }

  async unsettled(streams: readonly string[]): Promise<number> {
    let sum = 0;
    for (const stream of streams) {
      const rows = (await this.client.xinfo('GROUPS', stream).catch(() => [])) as unknown[][];
      for (const row of rows) {
        sum += Number(row[row.indexOf('pending') + 1]) + Number(row[row.indexOf('lag') + 1] ?? 0);
      }
      sum += await this.client.zcard(`{${stream}}:delayed`);
    }
    return sum;
  }

  async cut(): Promise<void> {
    await this.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  }

  /** Whether a worker's read waits at the server. */
  async readWaits(): Promise<boolean> {
    return /flags=b .*cmd=xreadgroup/.test(String(await this.client.client('LIST')));
  }

  private async groups(): Promise<{ pending: number; last: string }[]> {
    const rows = (await this.client.xinfo('GROUPS', STREAM)) as unknown[][];
    return rows.map((row) => ({
      pending: Number(row[row.indexOf('pending') + 1]),
      last: String(row[row.indexOf('last-delivered-id') + 1]),
    }));
  }
}
