import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { KafkaOptions } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { MemoryBroker, memory } from '../../lib/drivers/memory/index.js';
import type { DriverFactory } from '../../lib/ports/driver.js';
import { driverWith } from '../support/driver-with.js';
import { kafka } from '../../lib/drivers/kafka/kafka.driver.js';
import type { KafkaSource } from '../../lib/drivers/kafka/source/kafka.source.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { describeDriverContract } from '../contracts/driver.contract.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { elapse } from '../support/passing-time.js';

describe('the driver contract on Kafka', needsKafka(), () => {
  let server: TestKafka;
  beforeAll(async () => {
    server = await testKafka();
  });
  afterAll(() => server.cleanup());

  const options = (): KafkaOptions => ({ brokers: server.brokers, metadataMaxAge: 1000 });
  const unique = (name: string): string =>
    `${server.prefix}${name}-${randomBytes(4).toString('hex')}`;
  const harness = async (): Promise<DriverHarness> => ({
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      kafka(options()).open({ events, keyPrefix }),
    elapse,
    now: () => Date.now(),
    unique,
    vanish: async ({ source }) => (source as KafkaSource).silence(),
    makePartitions: async (stream, count) => {
      await server.createTopic(stream.slice(server.prefix.length), count);
    },
    close: async () => undefined,
  });
  // Kafka keeps no state: that of these consumers is in memory.
  const broker = new MemoryBroker();
  const source = (): DriverFactory =>
    driverWith(kafka(options()), (_, context) => ({
      state: memory({ broker }).open(context).state,
    }));
  describeDriverContract('kafka', harness, () => ({ source: source(), keyPrefix: '', unique }));
});
