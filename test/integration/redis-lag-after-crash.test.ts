import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quiet } from '../support/passing-time.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { describeServer, otherServers } from '../support/redis-servers.js';
import { until } from '../support/until.js';

const onPath = describeServer(process.env['REDIS_BINARY'] ?? 'redis-server');
const servers = [...(onPath ? [onPath] : []), ...otherServers().found];
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** A server before 7.2 logs how far a group has read, and not how many entries that were. */
describe.each(servers)('$kind $version after kill -9', ({ path: binary }) => {
  let server: RedisServer;
  let admin: Redis;
  let consumer: RecordingConsumer;
  beforeEach(async () => {
    server = await startRedis({ binary, args: DURABLE });
    admin = new Redis(server.url);
    admin.on('error', () => undefined);
    const lag = { interval: 50, thresholds: [{ critical: 500 }] };
    consumer = new RecordingConsumer({ redis: { url: server.url }, streams: ['s'], lag });
    await admin.xgroup('CREATE', 's', 'g', '0', 'MKSTREAM');
  });
  afterEach(async () => {
    await consumer.close();
    admin.disconnect();
    await server.stop();
  });

  /** What the library says. */
  async function lagRead(): Promise<number | null> {
    const [row] = await consumer.runtime.lag.read(['s']);
    return row!.lag;
  }

  /** What the server itself says. */
  async function counted(): Promise<{ read: unknown; lag: unknown }> {
    const [row] = (await admin.xinfo('GROUPS', 's')) as [unknown[]];
    const field = (name: string) => row[row.indexOf(name) + 1];
    return { read: field('entries-read'), lag: field('lag') };
  }

  async function rewriteLog(): Promise<void> {
    await admin.bgrewriteaof();
    await until('the log is rewritten', async () => {
      const info = await admin.info('persistence');
      return /rewrite_in_progress:0/.test(info) && /rewrite_scheduled:0/.test(info);
    });
  }

  /** Reads and settles, as another program of the group. */
  async function consume(count: number): Promise<void> {
    const read = await admin.xreadgroup('GROUP', 'g', 'other', 'COUNT', count, 'STREAMS', 's', '>');
    const [[, entries]] = read as [[string, [string, string[]][]]];
    expect(entries).toHaveLength(count);
    await admin.xack('s', 'g', ...entries.map(([id]) => id));
  }

  /** Publishes one message, and fails where the group is further behind than that. */
  async function publishWithin(maxLag: { lag: number; groups: string[] }): Promise<void> {
    await consumer.runtime.producer.publish({
      ...{ eventType: 'made', payload: 1, stream: 's' },
      ...{ maxLag, onBackpressure: 'error' },
    });
  }

  async function crash(): Promise<void> {
    await server.kill();
    await server.start();
    await until('it answers', () => admin.ping().then(Boolean, () => false));
  }

  it('a group that has read all has no lag, and is counted right from then on', async () => {
    await consumer.publish('s', 1100);
    await consume(100);
    await rewriteLog();
    await consume(1000);
    await crash();

    expect(await lagRead()).toBe(0);
    const alarms: unknown[] = [];
    consumer.runtime.events.on('stream-lag', (event) => alarms.push(event));
    await consumer.start();
    await until('the server counts right', async () => (await counted()).read === 1100);
    await consumer.publish('s', 10);
    await until('they are handled', () => consumer.handled.length === 10);
    await until('a reading', async () => (await lagRead()) === 0);
    expect(alarms).toEqual([]);
    await publishWithin({ lag: 5, groups: ['g'] });
  });

  it('a group that has read all holds up no producer, while no consumer has put the count right', async () => {
    await consumer.publish('s', 1100);
    await consume(100);
    await rewriteLog();
    await consume(1000);
    await crash();
    await publishWithin({ lag: 5, groups: ['g'] });
  });

  it('a group that has read all raises no alarm, while no consumer has put the count right', async () => {
    await consumer.publish('s', 1100);
    await consume(100);
    await rewriteLog();
    await consume(1000);
    await crash();
    // Another group of the same readings is behind indeed.
    await admin.xgroup('CREATE', 'behind', 'g', '0', 'MKSTREAM');
    await consumer.publish('behind', 600);
    const lag = { interval: 50, thresholds: [{ streams: ['s', 'behind'], critical: 500 }] };
    const other = new RecordingConsumer({ redis: { url: server.url }, streams: ['t'], lag });
    const alarms: string[] = [];
    other.runtime.events.on('stream-lag', ({ stream }) => alarms.push(stream));
    await other.start();
    await until('an alarm', () => alarms.length > 0);
    await quiet(200);
    expect(alarms).toEqual(['behind']);
    await other.close();
  });

  it('while there is more to read, an old count is not told, and the lag is known again at the end', async () => {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    await consumer.close();
    const slow = { concurrency: 1, batchSize: 1, handle: () => opened };
    consumer = new RecordingConsumer({ redis: { url: server.url }, streams: ['s'], ...slow });
    await consumer.publish('s', 1200);
    await consume(100);
    await rewriteLog();
    await consume(1000);
    await consumer.start();
    await until('the position is noted', async () => {
      const [, , , read] = (await admin.hget('{s}:floor', 'g'))?.split(' ') ?? [];
      return Number(read) > 1100;
    });
    await crash();

    const lag = await lagRead();
    expect(lag === null || lag < 100).toBe(true);
    open();
    await until('all are handled', () => consumer.handled.length >= 100);
    await until('the lag is known', async () => (await lagRead()) === 0);
    await until('the server counts right', async () => (await counted()).lag === 0);
  });
});
