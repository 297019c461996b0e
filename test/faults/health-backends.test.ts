import { StreamsTransport } from 'nestjs-redis-streams/core';
import type { DriverFactory } from 'nestjs-redis-streams/driver';
import {
  StreamsHealth,
  type HealthCode,
  type HealthOptions,
  type HealthReport,
} from 'nestjs-redis-streams/health';
import { kafka } from 'nestjs-redis-streams/kafka';
import { connect } from '@nats-io/transport-node';
import { nats } from 'nestjs-redis-streams/nats';
import { postgres } from 'nestjs-redis-streams/postgres';
import { describe, expect, it, onTestFinished, type SuiteOptions } from 'vitest';
import { needsKafka, needsOwnKafka, testKafka } from '../support/kafka.js';
import { startKafka } from '../support/kafka-server.js';
import { needsNats } from '../support/nats.js';
import { startNats } from '../support/nats-server.js';
import { startProxy } from '../support/proxy.js';
import { startPostgres } from '../support/postgres-server.js';
import { until } from '../support/until.js';

/** Longest time of one read, in milliseconds. */
const BLOCK_TIMEOUT = 500;

interface Backend {
  readonly driver: DriverFactory;
  readonly server: {
    freeze(): void;
    thaw(): void;
    kill(): Promise<unknown>;
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
  };
}

const BACKENDS: readonly [name: string, needs: SuiteOptions, open: () => Promise<Backend>][] = [
  [
    'PostgreSQL',
    {},
    async () => {
      const server = await startPostgres();
      return { server, driver: postgres({ url: await server.createDatabase('test') }) };
    },
  ],
  [
    'NATS',
    needsNats(),
    async () => {
      const server = await startNats();
      return { server, driver: nats({ url: server.url() }) };
    },
  ],
  [
    'Kafka',
    needsOwnKafka(),
    async () => {
      const server = await startKafka();
      const client = await testKafka(server.brokers);
      // The broker makes no topics by itself, and the reader would wait for this one.
      const topic = { topic: 'orders', numPartitions: 2, replicationFactor: 1 };
      await client.admin.createTopics({ topics: [topic], waitForLeaders: true });
      await client.cleanup();
      return { server, driver: kafka({ brokers: server.brokers }) };
    },
  ],
];

/** A transport that reads a stream, and its health. */
async function reads(driver: DriverFactory, options: HealthOptions = {}, stream = 'orders') {
  const transport = new StreamsTransport({
    slots: { messageSource: driver },
    group: 'billing',
    gracePeriod: 1000,
    blockTimeout: BLOCK_TIMEOUT,
  });
  onTestFinished(() => transport.close());
  const health = StreamsHealth.of([transport], { cacheFor: 0, ...options });
  transport.addHandler(stream, async () => undefined, true);
  await new Promise<void>((resolve, reject) => {
    transport.listen((error) => (error ? reject(error as Error) : resolve()));
  });
  const becomes = (what: string, when: (report: HealthReport) => boolean): Promise<void> =>
    until(
      what,
      async () => when(await health.readiness()),
      30_000,
      async () => JSON.stringify(await health.readiness()),
    );
  const tells = (code: HealthCode) =>
    becomes(`it tells of ${code}`, ({ causes }) => causes.some((cause) => cause.code === code));
  const ready = () => becomes('it is ready', ({ status }) => status !== 'down');
  const notReady = () => becomes('it is not ready', ({ status }) => status === 'down');
  return { health, becomes, tells, ready, notReady };
}

describe.each(BACKENDS)('the health of a transport on %s', (name, needs, open) => {
  describe('that is frozen, and killed', needs, () => {
    it('is not ready and alive, and is ready again', { timeout: 120_000 }, async () => {
      const { server, driver } = await open();
      onTestFinished(async () => void (await server.stop()));
      // The fetches of Kafka wait for the broker while the reading loop goes on.
      const fetches = name === 'Kafka';
      const deadline = fetches ? { readerDeadline: 4 * BLOCK_TIMEOUT } : {};
      const { health, tells, ready, notReady } = await reads(driver, deadline);
      await ready();
      server.freeze();
      await notReady();
      if (fetches) await tells('reads-unanswered');
      expect(health.liveness().status).toBe('up');
      server.thaw();
      await ready();
      await server.kill();
      await notReady();
      expect(health.liveness().status).toBe('up');
      await server.start();
      await ready();
      expect(health.liveness().status).toBe('up');
    });
  });
});

it('PostgreSQL that refuses each read: not ready and alive', { timeout: 60_000 }, async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const url = await server.createDatabase('test');
  const { health, tells, ready } = await reads(postgres({ url }));
  await ready();
  await server.query('alter table streams.delivery rename to away', [], 'test');
  await tells('stream-unreadable');
  expect((await health.readiness()).status).toBe('down');
  expect(health.liveness().status).toBe('up');
  await server.query('alter table streams.away rename to delivery', [], 'test');
  await ready();
});

describe('a driver that has given up to connect', needsNats(), () => {
  it('is not ready, and not alive past the deadline', { timeout: 60_000 }, async () => {
    const server = await startNats();
    onTestFinished(() => server.stop());
    const driver = nats({ url: server.url(), maxReconnects: 1 });
    const { health, ready } = await reads(driver, { readerDeadline: 4 * BLOCK_TIMEOUT });
    await ready();
    await server.kill();
    await until('it is not alive', () => health.liveness().status === 'down', 30_000);
    expect(health.liveness().causes).toMatchObject([{ code: 'reader-failing' }]);
  });
});

describe('a topic that does not exist', needsKafka(), () => {
  it('is degraded, until it is there', { timeout: 60_000 }, async () => {
    const broker = await testKafka();
    onTestFinished(() => broker.cleanup());
    const driver = kafka({ brokers: broker.brokers });
    const { tells, health, becomes } = await reads(
      driver,
      { timeout: 10_000 },
      `${broker.prefix}orders`,
    );
    await tells('stream-missing');
    expect((await health.readiness()).status).toBe('degraded');
    await broker.createTopic('orders');
    await becomes(
      'it is there',
      ({ causes }) => !causes.some(({ code }) => code === 'stream-missing'),
    );
  });
});

describe('JetStream that answers no pull request', needsNats(), () => {
  it('is not ready and alive, and is ready again', { timeout: 60_000 }, async () => {
    const server = await startNats();
    onTestFinished(() => server.stop());
    const proxy = await startProxy(server.url());
    onTestFinished(() => proxy.close());
    // Without a listener the server answers at once that there is none.
    const sink = await connect({ servers: server.url() });
    onTestFinished(() => sink.close());
    sink.subscribe('$JS.HUN.>');
    const driver = nats({ url: proxy.url });
    const { health, tells, ready } = await reads(driver, { readerDeadline: 4 * BLOCK_TIMEOUT });
    await ready();
    proxy.rewrite.requests = (text) =>
      text.replaceAll('$JS.API.CONSUMER.MSG', '$JS.HUN.CONSUMER.MSG');
    await tells('reads-unanswered');
    expect(health.liveness().status).toBe('up');
    proxy.rewrite = {};
    await ready();
  });
});
