import { StreamsTransport } from 'nestjs-redis-streams/core';
import type { DriverFactory } from 'nestjs-redis-streams/driver';
import { StreamsHealth } from 'nestjs-redis-streams/health';
import { kafka } from 'nestjs-redis-streams/kafka';
import { nats } from 'nestjs-redis-streams/nats';
import { postgres } from 'nestjs-redis-streams/postgres';
import { describe, expect, it, onTestFinished, type SuiteOptions } from 'vitest';
import { needsOwnKafka, testKafka } from '../support/kafka.js';
import { startKafka } from '../support/kafka-server.js';
import { needsNats } from '../support/nats.js';
import { startNats } from '../support/nats-server.js';
import { startPostgres } from '../support/postgres-server.js';
import { until } from '../support/until.js';

interface Backend {
  readonly driver: DriverFactory;
  readonly server: {
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

describe.each(BACKENDS)('the health of a transport on %s', (_, needs, open) => {
  describe('that is killed', needs, () => {
    it('is not ready and alive, and is ready again', { timeout: 60_000 }, async () => {
      const { server, driver } = await open();
      onTestFinished(async () => void (await server.stop()));
      const transport = new StreamsTransport({
        slots: { messageSource: driver },
        group: 'billing',
        gracePeriod: 1000,
      });
      onTestFinished(() => transport.close());
      const health = StreamsHealth.of([transport], { cacheFor: 0 });
      transport.addHandler('orders', async () => undefined, true);

      await new Promise<void>((resolve, reject) => {
        transport.listen((error) => (error ? reject(error as Error) : resolve()));
      });
      const becomes = (ready: boolean): Promise<void> =>
        until(
          ready ? 'it is ready' : 'it is not ready',
          async () => ((await health.readiness()).status !== 'down') === ready,
          30_000,
          async () => JSON.stringify(await health.readiness()),
        );
      await becomes(true);
      await server.kill();
      await becomes(false);
      expect(health.liveness().status).toBe('up');
      await server.start();
      await becomes(true);
      expect(health.liveness().status).toBe('up');
    });
  });
});
