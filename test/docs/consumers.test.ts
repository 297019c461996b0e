import { StreamConsumers } from 'nestjs-redis-streams';
import { expect, it, vi } from 'vitest';
import { Billing } from '../../sample/docs/consumers/billing.service.js';
import { Invoices } from '../../sample/docs/consumers/invoices.js';
import { Maintenance } from '../../sample/docs/consumers/maintenance.service.js';
import { OrderController } from '../../sample/docs/consumers/order.controller.js';
import { Review } from '../../sample/docs/consumers/review.service.js';
import { Tenants } from '../../sample/docs/consumers/tenants.service.js';
import { startApp } from '../support/nest-app.js';

const orderOf = (orderId: string, total = 100) => ({ orderId, customerId: 'c-1', total });

async function start() {
  const write = vi.fn<Invoices['write']>();
  const close = vi.fn<Invoices['close']>();
  const { app, kit, publish } = await startApp({
    controllers: [OrderController],
    providers: [
      Billing,
      Maintenance,
      Review,
      Tenants,
      { provide: Invoices, useValue: { write, close } },
    ],
  });
  const written = () => write.mock.calls.map(([orderId]) => orderId);
  return { app, kit, publish, write, close, written };
}

it('a service consumes two events of a stream, and filters the others', async () => {
  const { kit, publish, written, close } = await start();
  await publish('order.paid', orderOf('o-1'), { stream: 'orders' });
  await publish('order.shipped', { orderId: 'o-1', parcel: 'p-1' }, { stream: 'orders' });
  await publish('email.send', {}, { stream: 'orders' });
  expect(written()).toEqual(['o-1']);
  expect(close.mock.calls).toEqual([['o-1']]);
  const ofBilling = kit.settled.filter(({ group }) => group === 'billing');
  expect(ofBilling.map(({ outcome }) => outcome)).toEqual(['handled', 'handled', 'filtered']);
});

it('a callback that throws is run again', async () => {
  const { kit, publish, write, written } = await start();
  write.mockRejectedValueOnce(new Error('no answer'));
  await publish('order.paid', orderOf('o-1'), { stream: 'orders' });
  await kit.advance(1_000);
  await kit.idle();
  expect(written()).toEqual(['o-1', 'o-1']);
});

it('messages are kept pending until they are acknowledged', async () => {
  const { app, publish } = await start();
  const review = app.get(Review);
  await publish('order.placed', orderOf('small'), { stream: 'orders' });
  const id = await publish('order.placed', orderOf('large', 100_000), { stream: 'orders' });
  expect(await review.waiting()).toMatchObject([{ id, stream: 'orders' }]);
  expect(await review.approve(id)).toBe(true);
  expect(await review.approve(id)).toBe(false);
  expect(await review.waiting()).toEqual([]);
});

it('handlers come and go, and messages wait for the next', async () => {
  const { app, publish, written } = await start();
  const tenants = app.get(Tenants);
  await tenants.add('acme');
  await publish('acme.order.paid', orderOf('o-1'));
  await tenants.remove('acme');
  await publish('acme.order.paid', orderOf('o-2'));
  expect(written()).toEqual(['o-1']);
  await tenants.add('acme');
  await app.get(Maintenance).during(async () => undefined);
  await publish('acme.order.paid', orderOf('o-3'));
  expect(written()).toEqual(['o-1', 'o-2', 'o-3']);
});

it('a paused stream is not read until it is resumed', async () => {
  const { app, kit } = await start();
  const { seen } = app.get(OrderController);
  await app.get(Maintenance).during(async () => {
    await kit.publish('order.paid', orderOf('o-1'));
    await kit.advance(60_000);
    expect(seen).toEqual([]);
  });
  await kit.idle();
  expect(seen).toEqual(['o-1']);
});

it('no consumer has crashed', async () => {
  const { app } = await start();
  await expect(
    app.get(StreamConsumers).checkLiveness('orders', 'billing'),
  ).resolves.toBeUndefined();
});
