import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Warehouse } from '../../sample/docs/coming-from/warehouse.js';
import { orderOf, publisherOf, redisOfPrograms, started, watched } from '../support/coming-from.js';
import { startKafka, type KafkaServer } from '../support/kafka-server.js';
import { needsOwnKafka, testKafka } from '../support/kafka.js';
import { startApp } from '../support/nest-app.js';
import { until } from '../support/until.js';

const redis = await redisOfPrograms();
const after = await import('../../sample/docs/coming-from/nest-kafka/after.orders.js');
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());

describe('with Kafka', needsOwnKafka(), () => {
  let server: KafkaServer;
  let before: typeof import('../../sample/docs/coming-from/nest-kafka/before.orders.js');
  beforeAll(async () => {
    server = await startKafka();
    vi.stubEnv('KAFKA_BROKER', server.brokers[0]!);
    before = await import('../../sample/docs/coming-from/nest-kafka/before.orders.js');
    const { admin } = await testKafka(server.brokers);
    await admin.createTopics({ topics: [{ topic: 'order.placed', numPartitions: 1 }] });
    await admin.disconnect();
  }, 60_000);
  afterAll(() => server?.stop());

  it('before and both: what the old producer sends is handled, and by the new one, too', async () => {
    const old = await started(before.bootstrap);
    await old.app.get(before.Checkout).buy(orderOf('a-1'));
    await until('a-1 is handled', () => old.reserved().includes('a-1'));
    await old.close();
    const both = await import('../../sample/docs/coming-from/nest-kafka/both.orders.js');
    const app = await started(both.bootstrap);
    const producer = await NestFactory.createApplicationContext(before.AppModule);
    onTestFinished(() => producer.close());
    await producer.get(before.Checkout).buy(orderOf('a-2'));
    await until('a-2 is handled', () => app.reserved().includes('a-2'));
    const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
    await checkout.buy(orderOf('a-3'));
    await until('a-3 is handled', () => app.reserved().includes('a-3'));
    expect(app.reserved()).toEqual(['a-2', 'a-3']);
  }, 60_000);
});

it('after: the orders of a customer stay in order through a retry', async () => {
  const app = await started(after.bootstrap);
  const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  app.failOnce();
  for (const id of ['a-1', 'a-2', 'a-3']) await checkout.buy(orderOf(id));
  await until('all are handled', () => app.reserved().length === 4);
  expect(app.reserved()).toEqual(['a-1', 'a-1', 'a-2', 'a-3']);
});

it('after: other customers need not wait, and the controller runs on another driver', async () => {
  const { app, kit } = await startApp({
    controllers: [after.OrderController],
    providers: [Warehouse],
  });
  const { failOnce, reserved } = watched(app);
  failOnce();
  await kit.publish('order.placed', orderOf('a-1'));
  await kit.publish('order.placed', orderOf('a-2'));
  await kit.publish('order.placed', { ...orderOf('b-1'), customerId: 'c-2' });
  await until('b-1 is handled', () => reserved().includes('b-1'));
  expect(reserved()).toEqual(['a-1', 'b-1']);
  await kit.advance(1_000);
  await kit.idle();
  expect(reserved()).toEqual(['a-1', 'b-1', 'a-1', 'a-2']);
});
