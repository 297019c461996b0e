import { afterAll, beforeEach, expect, it } from 'vitest';
import { orderOf, publisherOf, redisOfPrograms, started } from '../support/coming-from.js';
import { quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';

const redis = await redisOfPrograms();
const before = await import('../../sample/docs/coming-from/nest-redis/before.orders.js');
const both = await import('../../sample/docs/coming-from/nest-redis/both.orders.js');
const after = await import('../../sample/docs/coming-from/nest-redis/after.orders.js');
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());
const settled = async () => (await redis.unsettled('order.placed', 'order-service')) === 0;

it('before: each process gets each event, and a run that fails is not repeated', async () => {
  const checkout = (await publisherOf(before.AppModule)).app.get(before.Checkout);
  const [one, two] = [await started(before.bootstrap), await started(before.bootstrap)];
  one.failOnce();
  await checkout.buy(orderOf('o-1'));
  await checkout.buy(orderOf('o-2'));
  await until('both have o-2', () => [one, two].every((app) => app.reserved().includes('o-2')));
  for (const app of [one, two]) expect(app.reserved()).toEqual(['o-1', 'o-2']);
});

it('after: one process of the group gets each event, and a run that fails is repeated', async () => {
  const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  const [one, two] = [await started(after.bootstrap), await started(after.bootstrap)];
  const runs = () => [...one.reserved(), ...two.reserved()];
  await checkout.buy(orderOf('o-1'));
  await until('o-1 is settled', settled);
  expect(runs()).toEqual(['o-1']);
  for (const app of [one, two]) app.failOnce();
  await checkout.buy(orderOf('o-2'));
  await until('o-2 is settled', settled);
  const [[first, ...more]] = [runs().filter((id) => id === 'o-2')];
  expect(first).toBe('o-2');
  expect(more).toContain('o-2');
});

it('before: an event that no process listens for is lost', async () => {
  const checkout = (await publisherOf(before.AppModule)).app.get(before.Checkout);
  await checkout.buy(orderOf('o-1'));
  const late = await started(before.bootstrap);
  await checkout.buy(orderOf('o-2'));
  await until('it has o-2', () => late.reserved().includes('o-2'));
  expect(late.reserved()).toEqual(['o-2']);
});

it('after: an event that no process listens for waits', async () => {
  const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  await checkout.buy(orderOf('o-1'));
  const late = await started(after.bootstrap);
  await until('it has o-1', () => late.reserved().includes('o-1'));
});

it.each([
  { name: 'before', ...before },
  { name: 'after', ...after },
])('$name: a request is answered', async ({ AppModule, bootstrap, Checkout }) => {
  const checkout = (await publisherOf(AppModule)).app.get<{
    sum: (orders: object[]) => Promise<number>;
  }>(Checkout);
  await started(bootstrap);
  expect(await checkout.sum([orderOf('a', 3), orderOf('b', 4)])).toBe(7);
});

it('both: the unchanged handler gets the events of either transport, each once', async () => {
  const app = await started(both.bootstrap);
  const old = (await publisherOf(before.AppModule)).app.get(before.Checkout);
  const young = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  await old.buy(orderOf('o-1'));
  await young.buy(orderOf('o-2'));
  await until('it has both', () => app.reserved().length === 2);
  await until('o-2 is settled', settled);
  await quiet(100);
  expect(app.reserved().toSorted()).toEqual(['o-1', 'o-2']);
  expect(await old.sum([orderOf('a', 3)])).toBe(3);
  expect(await young.sum([orderOf('a', 4)])).toBe(4);
});
