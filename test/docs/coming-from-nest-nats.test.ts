import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { Logger } from '@nestjs/common';
import { Warehouse } from '../../sample/docs/coming-from/warehouse.js';
import { orderOf, publisherOf, redisOfPrograms, started } from '../support/coming-from.js';
import { startApp } from '../support/nest-app.js';
import { until } from '../support/until.js';

const redis = await redisOfPrograms();
const after = await import('../../sample/docs/coming-from/nest-nats/after.orders.js');
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());

it.for(['before', 'both'])('%s: runs against NATS', (_, context) => {
  context.skip('the program is compiled only: it needs NATS and its client');
});

it('after: one process gets an event, also one that was published before it started', async () => {
  const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  await checkout.buy(orderOf('o-1'));
  const apps = [await started(after.bootstrap), await started(after.bootstrap)];
  await checkout.buy(orderOf('o-2'));
  const settled = async () => (await redis.unsettled('order.placed', 'order-service')) === 0;
  await until('all is settled', settled);
  expect(apps.flatMap((app) => app.reserved()).toSorted()).toEqual(['o-1', 'o-2']);
});

it('after: a wildcard matches several words, and a request is answered', async () => {
  const log = vi.spyOn(Logger.prototype, 'log');
  const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
  await started(after.bootstrap);
  await checkout.track('lamp');
  await until('it is tracked', () => log.mock.calls.some(([text]) => text === 'parcel.packed.eu'));
  expect(await checkout.sum([orderOf('a', 3), orderOf('b', 4)])).toBe(7);
});

it('after: the same controller runs on another driver', async () => {
  const { outcome } = await startApp({
    controllers: [after.OrderController],
    providers: [Warehouse],
    options: { routes: [{ events: 'parcel.*', stream: 'parcels' }] },
  });
  expect(await outcome('parcel.packed.eu', { parcel: 'lamp' })).toMatchObject({
    outcome: 'handled',
  });
});
