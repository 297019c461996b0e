import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IdempotencyWindow } from '../../lib/core/message.js';
import { RedisConnectionError } from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const PUBLISHED = '{s}:published:order-1';

let server: RedisServer;
let proxy: Proxy;
let client: Redis;
const open: RecordingConsumer[] = [];
beforeEach(async () => {
  server = await startRedis();
  proxy = await startProxy(server.port);
  client = new Redis(server.url);
  client.on('error', () => undefined);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
  client.disconnect();
  await proxy.close();
  await server.stop();
});

/** A process that publishes. */
function producer(idempotencyWindow?: IdempotencyWindow, url = proxy.url) {
  const one = new RecordingConsumer({
    redis: { url },
    streams: ['s'],
    ...(idempotencyWindow !== undefined && { idempotencyWindow }),
  });
  open.push(one);
  return {
    /** So that the next reply is one to what is published next. */
    connected: () => until('its connection stands', () => one.of('connected').length > 0),
    publish: (idempotencyKey = 'order-1') =>
      one.runtime.producer.publish({ eventType: 'e', payload: 1, stream: 's', idempotencyKey }),
    batch: (keys: readonly (string | undefined)[]) =>
      one.runtime.producer.publishBatch(
        keys.map((idempotencyKey) => ({
          eventType: 'e',
          payload: 1,
          stream: 's',
          ...(idempotencyKey !== undefined && { idempotencyKey }),
        })),
      ),
  };
}

const ids = async () => (await client.xrange('s', '-', '+')).map(([id]) => id);

describe('a publish whose reply was lost', () => {
  it.each<IdempotencyWindow>([60_000, 'native'])(
    'is safe to repeat with its key, window %s',
    async (window) => {
      const { publish, connected } = producer(window);
      await publish('before');
      await connected();
      const cut = proxy.cutAtReply();
      const lost: unknown = await publish().catch((error: unknown) => error);
      await cut;
      expect(lost).toBeInstanceOf(RedisConnectionError);
      expect(lost).toMatchObject({ outcome: 'unknown' });
      expect(await ids(), 'it had been written').toHaveLength(2);
      const id = await publish();
      expect(await ids()).toEqual([expect.any(String), id]);
    },
  );

  it('is safe to repeat by another process', async () => {
    const { publish, connected } = producer();
    await publish('before');
    await connected();
    const cut = proxy.cutAtReply();
    await expect(publish()).rejects.toMatchObject({ outcome: 'unknown' });
    await cut;
    const id = await producer(undefined, server.url).publish();
    expect(await ids()).toEqual([expect.any(String), id]);
  });

  it('makes two messages without a key', async () => {
    const { batch, connected } = producer();
    await batch([undefined]);
    await connected();
    const cut = proxy.cutAtReply();
    const [lost] = await batch([undefined]);
    await cut;
    expect(lost).toMatchObject({ outcome: 'unknown' });
    await batch([undefined]);
    expect(await ids()).toHaveLength(3);
  });
});

describe('a key', () => {
  it('is remembered for the window, an hour by default', async () => {
    await producer().publish();
    const left = await client.pttl(PUBLISHED);
    expect(left).toBeGreaterThan(3_590_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
    await producer(5000).publish('other');
    expect(await client.pttl('{s}:published:other')).toBeLessThanOrEqual(5000);
  });

  it('holds the id of the message, also after that was deleted', async () => {
    const { publish } = producer();
    const id = await publish();
    expect(await client.get(PUBLISHED)).toBe(id);
    await client.xdel('s', id);
    expect(await publish()).toBe(id);
    expect(await ids()).toEqual([]);
  });

  it.each([
    ['the stream key holds something else', () => client.set('s', 'text'), 'WRONG_KEY_TYPE'],
    ['Redis is full', () => client.config('SET', 'maxmemory', 1), 'SERVER_OUT_OF_MEMORY'],
    ['it may not be kept', () => client.acl('SETUSER', 'default', '-set'), 'PERMISSION_DENIED'],
    [
      'entries may not be added',
      () => client.acl('SETUSER', 'default', '-xadd'),
      'PERMISSION_DENIED',
    ],
  ])('is not used up where %s', async (_case, spoil, code) => {
    const { publish } = producer();
    await publish('before');
    await client.del('s');
    await spoil();
    await expect(publish()).rejects.toMatchObject({ code });
    expect(await client.exists(PUBLISHED)).toBe(0);
    await client.acl('SETUSER', 'default', '+@all');
    await client.config('SET', 'maxmemory', 0);
    await client.del('s');
    const id = await publish();
    expect(await ids()).toEqual([id]);
  });

  it('whose place is taken by something else is refused by name, and nothing is written', async () => {
    await client.rpush(PUBLISHED, 'x');
    await expect(producer().publish()).rejects.toThrow(
      expect.objectContaining({
        code: 'SERVER_REPLY',
        message: expect.stringContaining(PUBLISHED) as unknown,
      }) as Error,
    );
    expect(await ids()).toEqual([]);
  });
});

describe('a batch', () => {
  it('stays whole where the server has forgotten the script', async () => {
    const { batch } = producer();
    const before = await batch(['a', undefined, 'b']);
    await client.script('FLUSH');
    const after = await batch(['a', 'c', undefined, 'd', 'c']);
    expect(after[0]).toBe(before[0]);
    expect(after[4]).toBe(after[1]);
    expect(new Set([...before, ...after])).toEqual(new Set(await ids()));
    expect(await ids()).toHaveLength(6);
  });

  it('tells the fate of each entry', async () => {
    const { batch } = producer();
    await client.rpush('{s}:published:bad', 'x');
    const results = await batch(['a', 'bad', 'b']);
    expect(results).toEqual([expect.any(String), expect.any(Error), expect.any(String)]);
    expect(await ids()).toEqual([results[0], results[2]]);
  });
});

it('a server that restarts between two tries still knows the key, if it kept its data', async () => {
  const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
  await server.restart({ args });
  const { publish } = producer();
  const id = await publish();
  await server.kill();
  await server.start();
  await until('it is reachable', () =>
    client.ping().then(
      () => true,
      () => false,
    ),
  );
  expect(await publish()).toBe(id);
});
