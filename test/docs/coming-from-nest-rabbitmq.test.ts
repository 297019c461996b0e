import { connect } from 'amqplib';
import { DeadLetters } from 'nestjs-redis-streams';
import { afterAll, beforeEach, expect, it, type TestContext } from 'vitest';
import { orderOf, publisherOf, redisOfPrograms, started } from '../support/coming-from.js';
import { missingRabbitMq, startRabbitMq } from '../support/rabbitmq.js';
import { until } from '../support/until.js';

const redis = await redisOfPrograms();
const missing = missingRabbitMq();
const rabbit = missing === undefined ? await startRabbitMq() : undefined;
process.env['AMQP_URL'] = rabbit?.url ?? 'amqp://localhost:1';
const before = await import('../../sample/docs/coming-from/nest-rabbitmq/before.orders.js');
const both = await import('../../sample/docs/coming-from/nest-rabbitmq/both.orders.js');
const after = await import('../../sample/docs/coming-from/nest-rabbitmq/after.orders.js');
afterAll(() => Promise.all([redis.stop(), rabbit?.stop()]));
beforeEach(() => redis.client.flushall());

it('before: a message is acknowledged by the handler, and a failed one goes to another queue', async (context) => {
  const queues = await queuesOf(context);
  const checkout = (await publisherOf(before.AppModule)).app.get(before.Checkout);
  const app = await started(before.bootstrap);
  await checkout.buy(orderOf('o-1'));
  await until('o-1 is handled', () => app.reserved().length === 1);
  app.failOnce();
  await checkout.buy(orderOf('o-2'));
  await until('o-2 is put aside', async () => (await queues.count('orders.failed')) === 1);
  await app.close();
  expect(app.reserved()).toEqual(['o-1', 'o-2']);
  expect(await queues.count('orders')).toBe(0);
});

it('both: one handler gets the messages of either, each once, and failed ones are put aside', async (context) => {
  const queues = await queuesOf(context);
  const old = (await publisherOf(before.AppModule)).app.get(before.Checkout);
  const young = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  await old.buy(orderOf('o-1'));
  await young.buy(orderOf('o-2'));
  const app = await started(both.bootstrap);
  await until('it has both', () => app.reserved().length === 2);
  app.failOnce();
  await old.buy(orderOf('o-3'));
  await until('o-3 is put aside', async () => (await queues.count('orders.failed')) === 1);
  app.failOnce();
  await young.buy(orderOf('o-4'));
  const letters = app.app.get(DeadLetters);
  await until('o-4 is, too', async () => (await letters.list('order.placed')).items.length === 1);
  await app.close();
  expect(app.reserved().toSorted()).toEqual(['o-1', 'o-2', 'o-3', 'o-4']);
  expect(await queues.count('orders')).toBe(0); // nothing comes back
});

it('after: a message is acknowledged, and a failed one is a dead letter that runs again when redriven', async () => {
  const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  await checkout.buy(orderOf('o-1'));
  const app = await started(after.bootstrap);
  await until('o-1 is handled', () => app.reserved().length === 1);
  app.failOnce();
  await checkout.buy(orderOf('o-2'));
  const letters = app.app.get(DeadLetters);
  await until(
    'o-2 is put aside',
    async () => (await letters.list('order.placed')).items.length === 1,
  );
  expect((await letters.list('order.placed')).items).toMatchObject([
    { payload: orderOf('o-2'), error: { message: 'no answer' } },
  ]);
  await letters.redrive('order.placed', { group: 'order-service' });
  await until('o-2 is handled', () => app.reserved().length === 3);
  expect(await redis.client.xlen('order.placed')).toBe(0);
});

/** Empty queues; the test is not run where there is no broker. */
async function queuesOf(context: TestContext) {
  if (rabbit === undefined) return context.skip(missing);
  const connection = await connect(rabbit.url);
  context.onTestFinished(() => connection.close());
  const channel = await connection.createChannel();
  await channel.assertQueue('orders.failed', { durable: true });
  await channel.purgeQueue('orders.failed');
  return {
    count: async (queue: string) => (await channel.checkQueue(queue)).messageCount,
  };
}
