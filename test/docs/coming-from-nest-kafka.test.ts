import { afterAll, beforeEach, expect, it } from 'vitest';
import { Warehouse } from '../../sample/docs/coming-from/warehouse.js';
import { orderOf, publisherOf, redisOfPrograms, started } from '../support/coming-from.js';
import { startApp } from '../support/nest-app.js';
import { until } from '../support/until.js';

const redis = await redisOfPrograms();
const after = await import('../../sample/docs/coming-from/nest-kafka/after.orders.js');
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());

it.for(['before', 'both'])('%s: runs against Kafka', (_, context) => {
  context.skip('the program is compiled only: it needs Kafka and kafkajs');
});

it('after: the orders of a customer stay in order through a retry, and others go on', async () => {
  const app = await started(after.bootstrap);
  const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  app.failOnce();
  await checkout.buy(orderOf('a-1'));
  await until('a-1 has failed', () => app.reserved().length === 1);
  await checkout.buy(orderOf('a-2'));
  await checkout.buy({ ...orderOf('b-1'), customerId: 'c-2' });
  await until('all are handled', () => app.reserved().length === 4);
  expect(app.reserved()).toEqual(['a-1', 'b-1', 'a-1', 'a-2']);
});

it('after: the same controller runs on another driver', async () => {
  const { outcome } = await startApp({
    controllers: [after.OrderController],
    providers: [Warehouse],
  });
  expect(await outcome('order.placed', orderOf('o-1'))).toMatchObject({ outcome: 'handled' });
});
