import { afterEach, beforeEach, expect, it } from 'vitest';
import { Redis } from 'ioredis';
import type { Delivery } from '../../lib/core/delivery.js';
import { RecordingConsumer, type ConsumeOptions } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

let server: RedisServer;
let client: Redis;
let consumers: RecordingConsumer[];
beforeEach(async () => {
  server = await startRedis();
  client = new Redis(server.url);
  consumers = [];
});
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close()));
  client.disconnect();
  await server.stop();
});

async function consume(options: Partial<ConsumeOptions> = {}): Promise<RecordingConsumer> {
  const consumer = new RecordingConsumer({
    redis: { url: server.url },
    streams: ['s'],
    idleTimeout: 60_000,
    ...options,
  });
  consumers.push(consumer);
  await consumer.start();
  return consumer;
}

async function publish(count: number, size: number, stream = 's'): Promise<void> {
  const payload = JSON.stringify('x'.repeat(size));
  for (let at = 0; at < count; at++) {
    await client.xadd(stream, '*', 'event_type', 'made', 'payload', payload);
  }
}

const limitReplies = (bytes: number): Promise<unknown> =>
  client.config('SET', 'client-output-buffer-limit', `normal ${bytes} 0 0`);

/** Most bytes of payloads that were in the hands of handlers at a time. */
function gauge() {
  const at = { now: 0, most: 0 };
  const handle = async ({ message }: Delivery): Promise<void> => {
    const size = (message.payload as string).length;
    at.now += size;
    at.most = Math.max(at.most, at.now);
    await new Promise((resolve) => setTimeout(resolve, 5));
    at.now -= size;
  };
  return { at, handle };
}

it('a backlog of large entries is read within what one reply may bring', async () => {
  await publish(150, 200_000);
  await limitReplies(4_000_000);
  const consumer = await consume();
  await until('all are handled', () => consumer.handled.length === 150);
  expect(consumer.of('disconnected')).toEqual([]);
  expect(consumer.of('adopted')).toEqual([]);
});

it('large entries of a consumer that died are taken over within what one reply may bring', async () => {
  await publish(100, 200_000);
  await client.xgroup('CREATE', 's', 'g', '0');
  await client.call('XREADGROUP', 'GROUP', 'g', 'dead', 'STREAMS', 's', '>');
  await limitReplies(4_000_000);
  const consumer = await consume({ idleTimeout: 400 });
  await until('all are handled', () => consumer.handled.length === 100);
  expect(consumer.of('disconnected')).toEqual([]);
});

it('entries that this consumer left behind in an earlier life are adopted little by little', async () => {
  await publish(60, 200_000);
  await client.xgroup('CREATE', 's', 'g', '0');
  await client.call('XREADGROUP', 'GROUP', 'g', 'same', 'STREAMS', 's', '>');
  await limitReplies(4_000_000);
  const consumer = await consume({ consumer: 'same' });
  await until('all are handled', () => consumer.handled.length === 60);
  expect(consumer.of('disconnected')).toEqual([]);
});

it('retries of large entries that are due together are fetched within what one reply may bring', async () => {
  await publish(60, 200_000);
  await limitReplies(4_000_000);
  const failed = new Set<string>();
  const consumer = await consume({
    redis: { url: server.url, maxReadBytes: 64_000_000 },
    concurrency: 60,
    backoff: { delay: 2000, jitter: 0 },
    handle: ({ id }) => {
      if (failed.has(id)) return;
      failed.add(id);
      throw new Error('not yet');
    },
  });
  await until('all are handled', () => consumer.handled.length === 60);
  expect(consumer.of('disconnected')).toEqual([]);
  const attempts = consumer.of('settled').filter(({ outcome }) => outcome === 'handled');
  expect(new Set(attempts.map(({ attempt }) => attempt))).toEqual(new Set([2]));
});

it('a process holds no more bytes than it may, whatever its concurrency', async () => {
  await publish(60, 200_000);
  const { at, handle } = gauge();
  const consumer = await consume({
    redis: { url: server.url, maxReadBytes: 2_000_000 },
    handle,
  });
  await until('all are handled', () => consumer.handled.length === 60);
  expect(at.most).toBeGreaterThan(200_000);
  // The first read of a stream knows nothing of its sizes.
  expect(at.most).toBeLessThanOrEqual(2_000_000);
});

it('retries of large entries wait for room, uncharged, and all run', async () => {
  await publish(30, 200_000);
  const { at, handle } = gauge();
  const failed = new Set<string>();
  const consumer = await consume({
    redis: { url: server.url, maxReadBytes: 1_000_000 },
    backoff: { delay: 300, jitter: 0 },
    handle: async (delivery) => {
      await handle(delivery);
      if (failed.has(delivery.id)) return;
      failed.add(delivery.id);
      throw new Error('not yet');
    },
  });
  await until('all are handled', () => consumer.handled.length === 30);
  expect(at.most).toBeLessThanOrEqual(1_600_000);
  const handled = consumer.of('settled').filter(({ outcome }) => outcome === 'handled');
  expect(new Set(handled.map(({ attempt }) => attempt))).toEqual(new Set([2]));
});

it('a message that is larger than all that may be held is handled by itself', async () => {
  await publish(3, 900_000);
  const { at, handle } = gauge();
  const consumer = await consume({ redis: { url: server.url, maxReadBytes: 100_000 }, handle });
  await until('all are handled', () => consumer.handled.length === 3);
  expect(at.most).toBe(900_000);
});

it('a consumer whose messages fill the room says so, and ends all the same', async () => {
  await publish(10, 900_000);
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  const consumer = await consume({
    redis: { url: server.url, maxReadBytes: 100_000 },
    handle: () => released,
  });
  await until('it says so', () =>
    consumer.of('warning').some(({ code }) => code === 'READ_BYTES_FULL'),
  );
  const closed = consumer.close();
  release();
  await closed;
  expect(consumer.handled).toHaveLength(1);
  expect((await client.xpending('s', 'g'))[0]).toBe(0);
});
