import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Driver } from '../../lib/ports/driver.js';
import { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Lease } from '../../lib/core/lease.js';
import { ack } from '../../lib/core/settlement.js';
import { SLOTS } from '../../lib/drivers/redis/topology/slots.js';
import { Keys } from '../../lib/drivers/redis/keys/keys.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import type { RedisSource } from '../../lib/drivers/redis/redis.source.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { describeDriverContract } from '../contracts/driver.contract.js';
import { LiveWorld } from '../../lib/testing/contracts/live/live-world.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { elapse } from '../support/passing-time.js';
import { startCluster, type TestCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';
import { startRedis } from '../support/redis-server.js';
import { inAllSlots } from '../support/in-all-slots.js';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 30_000);
afterAll(() => cluster.stop());

const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

async function harness(): Promise<DriverHarness> {
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      redis({ cluster: cluster.addresses }).open({ events, keyPrefix }),
    elapse,
    now: () => Date.now(),
    unique,
    trim: async (stream, id) => {
      await (await cluster.at(stream)).xdel(stream, id);
    },
    apart: true,
    close: async () => undefined,
  };
}

/** A driver with a connection of its own. */
async function connected() {
  const driver = await (await harness()).open();
  return { driver, unique, close: () => driver.source.close() };
}

describeDriverContract('redis cluster', harness, () => ({
  source: redis({ cluster: cluster.addresses }),
  unique,
}));

test('redis cluster: what is handed over anywhere is there at once, and what is announced', async () => {
  const streams = await apart(3);
  const world = new LiveWorld(await harness());
  const slow = { streams, reclaimInterval: 60_000, blockTimeout: 5000 };
  for (const stream of streams) await world.publishTo(stream, 'a');
  const from = await world.join('A', { streams, events: [] });
  const sender = await world.reader('A', slow);
  const leases = await sender.take(3);
  const driver = await world.open();
  const to = await world.join('B', { streams, driver });
  const reader = await world.reader('B', { ...slow, driver });
  const channel = `handed:${world.group}:B`;
  const listens = async (client: Redis) => (await client.pubsub('CHANNELS', channel)).length > 0;
  await until('it listens', async () => {
    const found = await Promise.all(cluster.nodes.map(({ client }) => listens(client)));
    return found.includes(true);
  });
  const pulling = reader.take(3);
  const began = performance.now();
  for (const lease of leases) {
    const entries = [{ lease, eventType: 'x' }];
    const receiver = { consumer: 'B', instance: to.instance };
    expect(await from.membership.handOver(entries, receiver, 10)).toEqual(['handed']);
    sender.subscription.forget(lease);
  }
  expect((await pulling).map(({ stream }) => stream).sort()).toEqual([...streams].sort());
  expect(performance.now() - began).toBeLessThan(1500);
  for (const stream of streams) expect(await world.names(stream)).toEqual(['A', 'B']);
  await world.close();
});

test('redis cluster: names that cannot be placed are refused at start-up', async () => {
  const { driver, close } = await connected();
  const subscribing = driver.source.subscribe({
    ...times,
    streams: ['a}b', 'x', '{x}', '{y}:dead-letter'],
    group: 'g',
    consumer: 'c',
    startId: '0',
  });
  const error = (await subscribing.catch((thrown: unknown) => thrown)) as InvalidOptionsError;
  expect(error).toBeInstanceOf(InvalidOptionsError);
  expect(error.problems).toHaveLength(3);
  await close();
});

test('redis cluster: a subscription that is closed is forgotten', async () => {
  const { driver, close, unique } = await connected();
  const subscription = await driver.source.subscribe({
    ...{ blockTimeout: 100, idleTimeout: 1000, reclaimInterval: 500 },
    ...{ streams: [unique('a'), unique('b')], group: 'g', consumer: 'c', startId: '0' },
  });
  const subscriptions = (driver.source as RedisSource)['subscriptions'];
  expect(subscriptions.size).toBe(1);
  await subscription.close();
  expect(subscriptions.size).toBe(0);
  await close();
});

/** Names of streams at as many masters. */
async function apart(count: number): Promise<string[]> {
  const { unique } = await harness();
  const found = new Map<string, string>();
  while (found.size < count) {
    const stream = unique('apart');
    found.set((await cluster.masterOf(stream)).id, stream);
  }
  return [...found.values()];
}

const times = { blockTimeout: 200, idleTimeout: 400, reclaimInterval: 100 };

test('redis cluster: what comes while no consumer pulls is kept, and handed out later', async () => {
  const { driver, close } = await connected();
  const { source } = driver;
  const streams = await apart(2);
  const subscribe = (consumer: string) =>
    source.subscribe({ ...times, streams, group: 'g', consumer, startId: '$' });
  const mine = await subscribe('mine');
  const pulling = mine.pull(1);
  for (const stream of streams) await source.publish([{ stream, fields: ['a', 'b'] }]);
  const first = await pulling;
  expect(first).toHaveLength(1);
  const pending = async (stream: string) =>
    Number((await (await cluster.at(stream)).xpending(stream, 'g'))[0]);
  for (const stream of streams) {
    await until('it was read', async () => (await pending(stream)) === 1);
  }
  const other = await subscribe('other');
  const heard: Lease[] = [];
  for (let pulls = 0; pulls < 6; pulls++) {
    heard.push(...(await other.pull(1)));
    await mine.extend(first);
  }
  expect(heard).toEqual([]);
  const second = await mine.pull(1);
  expect([first, second].flat().map(({ stream, attempt }) => [stream, attempt])).toHaveLength(2);
  expect(second[0]).toMatchObject({ attempt: 1 });
  expect(second[0]!.stream).not.toBe(first[0]!.stream);
  await Promise.all([mine.close(), other.close()]);
  await close();
});

test('redis cluster: steps are known for longer than the runs of their message take', async () => {
  const { driver, close } = await connected();
  const { source } = driver;
  const [stream, next] = (await apart(2)) as [string, string];
  const runsWithin = 5 * 3_600_000;
  const subscription = await source.subscribe({
    ...times,
    streams: [stream],
    group: 'g',
    consumer: 'c',
    startId: '0',
    runsWithin,
  });
  const [id] = await source.publish([{ stream, fields: ['a', 'b'] }]);
  const [lease] = await subscription.pull(1);
  const publish = [{ stream: next, fields: ['c', 'd'] }];
  const outcome = await source.settle([{ lease: lease!, settlement: { ...ack, publish } }]);
  expect(outcome).toEqual(['settled']);
  const key = new Keys('').published(next, `${stream}/${String(id)}/g/0`);
  expect(await (await cluster.at(next)).pttl(key)).toBeGreaterThan(runsWithin);
  await subscription.close();
  await close();
});

test.each(['unknown-endpoint', 'hostname'])(
  'redis cluster: nodes that announce no address (%s) are found, also those that slots move to',
  async (preferred) => {
    const setting = 'cluster-preferred-endpoint-type';
    for (const { client } of cluster.nodes) await client.config('SET', setting, preferred);
    const { driver, close } = await connected();
    const { source } = driver;
    const [stream, there] = (await apart(2)) as [string, string];
    const entry = { stream, fields: ['a', 'b'] };
    const [before] = await source.publish([entry]);
    await cluster.migrate(stream, await cluster.masterOf(there));
    const [after] = await source.publish([entry]);
    const found = await (await cluster.at(stream)).xrange(stream, '-', '+');
    expect(found.map(([id]) => id)).toEqual([before, after]);
    await close();
    for (const { client } of cluster.nodes) await client.config('SET', setting, 'ip');
  },
);

test('redis cluster: one that has no slots yet is waited for', async () => {
  const server = await startRedis({ args: ['--cluster-enabled', 'yes'] });
  onTestFinished(() => server.stop());
  const admin = new Redis(server.url);
  onTestFinished(() => admin.disconnect());
  const place = [{ host: '127.0.0.1', port: server.port }];
  const open = (connectTimeout: number) =>
    redis({ cluster: place, connectTimeout }).open({ events: new EventBus(), keyPrefix: '' });
  const subscribe = ({ source }: Driver) =>
    source.subscribe({ ...times, streams: ['s'], group: 'g', consumer: 'c', startId: '0' });

  const impatient = open(300);
  const error: unknown = await subscribe(impatient).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'REDIS_CONNECTION', outcome: 'not-sent' });
  expect(String(error)).toContain('has any slots');
  await impatient.source.close();

  const patient = open(10_000);
  const subscribing = subscribe(patient);
  await until('it asks', async () => String(await admin.client('LIST')).includes('cluster|slots'));
  await admin.cluster('ADDSLOTSRANGE', 0, SLOTS - 1);
  const subscription = await subscribing;
  await patient.source.publish([{ stream: 's', fields: ['a', 'b'] }]);
  expect(await subscription.pull(1)).toHaveLength(1);
  await subscription.close();
  await patient.source.close();
});

test('redis cluster: streams of ordered handlers have owners of their own, in their slots', async () => {
  const { unique } = await harness();
  const streams = [unique('one'), unique('two'), unique('three')];
  const runs: string[] = [];
  const runtime = new StreamsRuntime({
    slots: inAllSlots(redis({ cluster: cluster.addresses })),
    group: 'g',
    backoff: { delay: 20, jitter: 0 },
  });
  const acquired: string[] = [];
  runtime.events.on('stream-acquired', ({ stream }) => acquired.push(stream));
  const invoke = async ({ stream, message, attempt }: Delivery) => {
    runs.push(`${stream} ${String(message.payload)}`);
    if (message.payload === 2 && attempt < 3) throw new Error('not yet');
    return ack;
  };
  const options = { streams, orderBy: () => 'all' };
  await runtime.start([{ name: 'T.run', events: ['made'], options, invoke }]);
  for (const payload of [1, 2, 3]) {
    for (const stream of streams) {
      await runtime.producer.publish({ eventType: 'made', stream, payload });
    }
  }
  await until('all have run', () => runs.length === 5 * streams.length);
  for (const stream of streams) {
    const own = runs.filter((run) => run.startsWith(`${stream} `));
    expect(own).toEqual([1, 2, 2, 2, 3].map((payload) => `${stream} ${payload}`));
  }
  expect(acquired.sort()).toEqual([...streams].sort());
  await runtime.close();
});
