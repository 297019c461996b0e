import { afterEach, beforeEach, expect, it } from 'vitest';
import { Redis } from 'ioredis';
import type { Delivery } from '../../lib/core/delivery.js';
import type { Message } from '../../lib/core/message.js';
import { ack } from '../../lib/core/settlement.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { gate } from '../support/engine.js';
import { quiet, work } from '../support/passing-time.js';
import { RecordingConsumer, type ConsumeOptions } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

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

async function publish(count: number, size: number, stream = 's'): Promise<string[]> {
  const payload = JSON.stringify('x'.repeat(size));
  const ids: string[] = [];
  for (let at = 0; at < count; at++) {
    ids.push((await client.xadd(stream, '*', 'event_type', 'made', 'payload', payload))!);
  }
  return ids;
}

const limitReplies = (bytes: number): Promise<unknown> =>
  client.config('SET', 'client-output-buffer-limit', `normal ${bytes} 0 0`);

/** Most bytes of payloads that were in the hands of handlers at a time. */
function gauge() {
  const at = { now: 0, most: 0 };
  const handling = (during: () => Promise<void>) => async (message: Pick<Message, 'payload'>) => {
    const size = (message.payload as string).length;
    at.now += size;
    at.most = Math.max(at.most, at.now);
    await during();
    at.now -= size;
  };
  const handle = ({ message }: Delivery): Promise<void> => handling(() => work(5))(message);
  return { at, handling, handle };
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

it('large entries that there was no room for are taken over as others are settled, not look by look', async () => {
  const ids = await publish(40, 1_000_000);
  await client.xgroup('CREATE', 's', 'g', '0');
  await client.xreadgroup('GROUP', 'g', 'dead', 'COUNT', 40, 'STREAMS', 's', '>');
  await client.xclaim('s', 'g', 'dead', 0, ...ids, 'IDLE', 100_000, 'JUSTID');
  const consumer = await consume({
    blockTimeout: 60_000,
    reclaimInterval: 3000,
    handle: () => work(50),
  });
  await until('all are handled', () => consumer.handled.length === 40, 10_000);
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

it('a process holds no more bytes than it may, at every concurrency', async () => {
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

it('all readers of a process together hold no more bytes than it may', async () => {
  const streams = ['s', 't'];
  const { at, handling } = gauge();
  const mayEnd = gate();
  const runtime = new StreamsRuntime({
    slots: inAllSlots(redis({ url: server.url, maxReadBytes: 2_000_000 })),
    group: 'g',
    blockTimeout: 300,
    idleTimeout: 60_000,
  });
  const full: string[] = [];
  let settled = 0;
  runtime.events.on('warning', ({ code }) => full.push(code));
  runtime.events.on('settled', () => settled++);
  const consumers = streams.map((stream) => new StreamConsumers(runtime).create({ stream }));
  for (const consumer of consumers) {
    const handle = handling(() => mayEnd.promise);
    await consumer.start((message) => handle(message).then(() => true));
  }
  for (const stream of streams) await publish(30, 200_000, stream);
  await until('both wait for room', () => full.length === 2);
  expect(full).toEqual(['READ_BYTES_FULL', 'READ_BYTES_FULL']);
  expect(at.now).toBeGreaterThan(1_000_000);
  mayEnd.open();
  await until('all are handled', () => settled === 60);
  expect(at.most).toBeLessThanOrEqual(2_000_000);
  await runtime.close();
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

it('a retry that finds no room comes before new messages, however many follow', async () => {
  const MOST = 60;
  const [first] = await publish(1, 900_000);
  let others = 0;
  let othersBefore: number | undefined;
  const consumer = await consume({
    redis: { url: server.url, maxReadBytes: 100_000 },
    backoff: { delay: 50, jitter: 0 },
    handle: async ({ id, attempt }) => {
      if (othersBefore === undefined && others < MOST) await publish(2, 900_000);
      if (id !== first) {
        others++;
        return work(50);
      }
      if (attempt === 1) throw new Error('not yet');
      othersBefore = others;
    },
  });
  await until('it runs again', () => othersBefore !== undefined);
  expect(othersBefore).toBeLessThan(15);
  await consumer.close();
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

it('a reply that breaks the connection is told of, makes the next one smaller, and counts no run', async () => {
  await limitReplies(4_000_000);
  const consumer = await consume();
  await publish(500, 10);
  await until('the small ones are handled', () => consumer.handled.length === 500);
  // One transaction, so that one read may find all of them.
  const payload = JSON.stringify('x'.repeat(200_000));
  const together = client.multi();
  for (let at = 0; at < 100; at++)
    together.xadd('s', '*', 'event_type', 'made', 'payload', payload);
  await together.exec();
  await until('all are handled', () => consumer.handled.length === 600);
  await until('it is told', () => consumer.of('reply-broken').length > 0);
  const [told] = consumer.of('reply-broken');
  expect(told).toMatchObject({ streams: ['s'], group: 'g', limit: 4_000_000 });
  expect(told!.error).toMatchObject({ code: 'REPLY_BROKEN' });
  expect(told!.error.message).toContain('is 4000000 bytes');
  const attempts = consumer.of('settled').map(({ attempt }) => attempt);
  expect(new Set(attempts)).toEqual(new Set([1]));
  expect(consumer.of('reply-broken').length).toBeLessThan(4);
});

it('a reply that broke the connection makes the next request so small that it passes', async () => {
  const consumer = await consume();
  await publish(500, 10);
  await until('the small ones are handled', () => consumer.handled.length === 500);
  // Less than a reply usually brings, and more than half of that.
  await limitReplies(800_000);
  const payload = JSON.stringify('x'.repeat(30_000));
  const together = client.multi();
  for (let at = 0; at < 100; at++)
    together.xadd('s', '*', 'event_type', 'made', 'payload', payload);
  await together.exec();
  await until('all are handled', () => consumer.handled.length === 600);
  expect(consumer.of('disconnected')).toHaveLength(1);
});

it('an entry that alone breaks the connection stays pending, is told of, and holds up no others', async () => {
  await limitReplies(4_000_000);
  await publish(5, 10);
  const [large] = await publish(1, 6_000_000);
  await publish(5, 10);
  const consumer = await consume({ consumer: 'a' });
  await until('the others are handled', () => consumer.handled.length === 10);
  await until('it is told', () => consumer.of('entry-too-large').length > 0);
  expect(consumer.of('entry-too-large')).toMatchObject([
    {
      stream: 's',
      group: 'g',
      id: large,
      error: { code: 'ENTRY_TOO_LARGE', stream: 's', id: large },
    },
  ]);
  expect(consumer.of('entry-too-large')[0]!.bytes).toBeGreaterThan(6_000_000);
  const broken = consumer.of('disconnected').length;
  await publish(20, 10);
  await until('others go on', () => consumer.handled.length === 30);
  // Several looks later.
  await quiet(500);
  expect(consumer.of('disconnected')).toHaveLength(broken);
  expect(await client.xpending('s', 'g', '-', '+', 10)).toMatchObject([
    [large, 'a', expect.any(Number), 0],
  ]);
  await limitReplies(0);
  await consumer.close();
  const next = await consume({ consumer: 'a' });
  await until('it is handled at last', () => next.of('settled').length === 1);
  expect(next.of('settled')).toMatchObject([{ id: large, attempt: 1 }]);
});

it('a retry whose data breaks the connection is not counted', async () => {
  await publish(1, 6_000_000);
  let runs = 0;
  const consumer = await consume({
    backoff: { delay: 200, jitter: 0 },
    handle: async () => {
      runs++;
      if (runs > 1) return;
      await limitReplies(4_000_000);
      throw new Error('not yet');
    },
  });
  await until('it is told', () => consumer.of('entry-too-large').length > 0);
  expect(await client.xpending('s', 'g', '-', '+', 10)).toMatchObject([
    [expect.any(String), expect.any(String), expect.any(Number), 1],
  ]);
  expect(runs).toBe(1);
});

it('messages in order lose no run to a broken reply, and keep their order', async () => {
  await limitReplies(4_000_000);
  const seen: number[] = [];
  const runtime = new StreamsRuntime({
    slots: inAllSlots(redis({ url: server.url })),
    group: 'g',
    blockTimeout: 300,
    idleTimeout: 60_000,
    reclaimInterval: 100,
  });
  const attempts = new Set<number>();
  runtime.events.on('settled', ({ attempt }) => attempts.add(attempt));
  await runtime.start([
    {
      name: 'H.handle',
      events: ['*'],
      options: { streams: ['s'], orderBy: () => 'one' },
      invoke: async ({ message }) => {
        seen.push((message.payload as { n: number }).n);
        return ack;
      },
    },
  ]);
  const add = async (from: number, to: number, size: number): Promise<void> => {
    const together = client.multi();
    for (let n = from; n < to; n++) {
      const payload = JSON.stringify({ n, text: 'x'.repeat(size) });
      together.xadd('s', '*', 'event_type', 'made', 'payload', payload);
    }
    await together.exec();
  };
  await add(0, 500, 10);
  await until('the small ones are handled', () => seen.length === 500);
  await add(500, 560, 200_000);
  await until('all are handled', () => seen.length >= 560, 30_000);
  expect(seen).toEqual(Array.from({ length: 560 }, (_, n) => n));
  await until('all are settled', async () => (await client.xpending('s', 'g'))[0] === 0);
  expect(attempts).toEqual(new Set([1]));
  await runtime.close();
});

it('dead letters with large messages are listed, redriven and purged within what one reply may bring', async () => {
  await publish(50, 200_000);
  let fails = true;
  const consumer = await consume({
    maxDeliveries: 1,
    handle: () => {
      if (fails) throw new Error('never');
    },
  });
  const givenUp = () => consumer.of('settled').filter((one) => one.outcome === 'dead-lettered');
  await until('all are given up', () => givenUp().length === 50);
  await limitReplies(4_000_000);
  const queue = consumer.runtime.admin.deadLetters;
  const listed: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await queue.list('s', after === undefined ? {} : { after });
    for (const { id, payload } of page.items) listed.push(`${id} ${(payload as string).length}`);
    after = page.next;
    if (after === undefined) break;
  }
  expect(listed).toEqual(
    givenUp()
      .map(({ id }) => `${id} 200000`)
      .sort(),
  );
  fails = false;
  const { items } = await queue.list('s', { limit: 2 });
  expect(items).toHaveLength(2);
  expect(await queue.purge('s', { ids: [items[0]!.deadLetterId] })).toBe(1);
  expect(await queue.redrive('s', { all: true })).toBe(49);
  await until('they are handled', () => consumer.handled.length === 49);
  expect(consumer.of('disconnected')).toEqual([]);
});
