import { type Cluster, Redis, type RedisOptions } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RedisOptions as ConnectionOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { wrongly } from '../support/stand-in.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const make = (options: RedisOptions = {}): Redis =>
  new Redis({ host: '127.0.0.1', port: server.port, lazyConnect: true, ...options });

it.each([
  ['a key prefix', () => make({ keyPrefix: 'app:' }), /keyPrefix/],
  ['RESP3 reply shapes', () => make({ protocol: 3, replyMapping: 'resp3' }), /replyMapping/],
  ['a connection of its own accord', () => make({ lazyConnect: false }), /lazyConnect/],
])('a client with %s is refused at construction', (_, client, problem) => {
  const made: Redis[] = [];
  const factory = (): Redis => {
    made.push(client());
    made.at(-1)!.on('error', () => undefined);
    return made.at(-1)!;
  };
  const construct = (): unknown =>
    new RecordingConsumer({ redis: { client: factory }, streams: [] });
  expect(construct).toThrow(InvalidOptionsError);
  expect(construct).toThrow(problem);
  for (const one of made) one.disconnect();
});

it('a client of a cluster is refused by its type', () => {
  const cluster = (): Cluster => expect.fail('is not called');
  // @ts-expect-error -- the library makes a client for each node
  const options: ConnectionOptions = { client: cluster };
  expect(options.client).toBe(cluster);
});

it('an async factory is refused at construction', () => {
  const client = wrongly<() => Redis>(async () => make());
  const construct = (): unknown => new RecordingConsumer({ redis: { client }, streams: [] });
  expect(construct).toThrow(InvalidOptionsError);
  expect(construct).toThrow(/client must make an ioredis client, not a promise/);
});

it('a factory that answers the same client twice is refused at start', async () => {
  const client = make();
  const consumer = new RecordingConsumer({ redis: { client: () => client }, streams: ['s'] });
  await expect(consumer.start()).rejects.toThrow(/a new ioredis client at each call/);
  await consumer.close();
});

it('a client is used with all its options for reconnecting, timeouts and numbers', async () => {
  const client = (): Redis =>
    make({
      commandTimeout: 50,
      blockingTimeout: 50,
      stringNumbers: true,
      enableAutoPipelining: true,
      maxRetriesPerRequest: 1,
      reconnectOnError: () => true,
    });
  let failed = false;
  const consumer = await RecordingConsumer.start({
    redis: { client },
    streams: ['s'],
    backoff: { delay: 10 },
    handle: () => {
      if (failed) return;
      failed = true;
      throw new Error('once');
    },
  });
  await until('the reader has waited in vain', async () => {
    const stats = await (consumer.runtime.driver.unwrap!() as Redis).info('commandstats');
    return /cmdstat_xreadgroup:calls=[3-9]/.test(stats);
  });
  await consumer.publish('s', 3);
  await until('all is handled', () => consumer.of('settled').length === 4);
  expect(consumer.of('worker-error')).toEqual([]);
  expect(consumer.of('disconnected')).toEqual([]);
  expect(
    consumer
      .of('settled')
      .map(({ outcome, attempt }) => `${outcome} ${attempt}`)
      .sort(),
  ).toEqual(['handled 1', 'handled 1', 'handled 2', 'retried 1']);
  await consumer.close();
});

it('a user may bring TLS, a name or a database; what the library needs is kept', async () => {
  const consumer = await RecordingConsumer.start({
    redis: { client: () => make({ db: 3, connectionName: 'mine' }) },
    streams: ['s'],
  });
  await consumer.publish('s');
  await until('it is handled', () => consumer.handled.length === 1);
  const client = new Redis(server.port, { db: 3 });
  expect(await client.exists('s')).toBe(1);
  expect(String(await client.client('LIST'))).toContain('name=mine');
  client.disconnect();
  await consumer.close();
});

it('a factory that fails once for the publisher costs that message, not the later ones', async () => {
  let made = 0;
  const client = (): Redis => {
    made++;
    // The first connection is the one for commands.
    if (made === 2) throw new Error('not now');
    return make();
  };
  const consumer = new RecordingConsumer({ redis: { client }, streams: ['t'] });
  const publishing = [consumer.publish('t'), consumer.publish('t')];
  const [first, second] = await Promise.allSettled(publishing);
  expect(first).toMatchObject({ status: 'rejected' });
  expect(second).toMatchObject({ status: 'fulfilled' });
  await consumer.publish('t');
  await consumer.close();
  await expect(consumer.publish('t')).rejects.toMatchObject({ code: 'CLOSED' });
});
