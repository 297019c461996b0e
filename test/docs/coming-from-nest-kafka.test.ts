import { afterAll, beforeEach, expect, it } from 'vitest';
import { Warehouse } from '../../sample/docs/coming-from/warehouse.js';
import { orderOf, publisherOf, redisOfPrograms, started, watched } from '../support/coming-from.js';
import { startApp } from '../support/nest-app.js';
import { until } from '../support/until.js';

const redis = await redisOfPrograms();
const after = await import('../../sample/docs/coming-from/nest-kafka/after.orders.js');
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());

it.for(['before', 'both'])('%s: runs against Kafka', (_, context) => {
  context.skip('the program is compiled only: it needs Kafka and kafkajs');
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
