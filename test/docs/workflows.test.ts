import { Logger } from '@nestjs/common';
import { Workflows } from 'nestjs-redis-streams';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Warehouse } from '../../sample/docs/shop/warehouse.js';
import { Carrier } from '../../sample/docs/workflows/carrier.js';
import { InvoiceController } from '../../sample/docs/workflows/invoice.controller.js';
import { Mails } from '../../sample/docs/workflows/mails.js';
import { OrderController } from '../../sample/docs/workflows/order.controller.js';
import { ParcelController } from '../../sample/docs/workflows/parcel.controller.js';
import { Printer } from '../../sample/docs/workflows/printer.js';
import { Shipping } from '../../sample/docs/workflows/shipping.service.js';
import { startApp } from '../support/nest-app.js';

const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };
const SHIPMENT = { orderId: 'o-1', parcels: [{ number: 'p-1' }, { number: 'p-2' }] };

async function start() {
  const reserve = vi.fn<Warehouse['reserve']>();
  const send = vi.fn<Mails['send']>();
  const ship = vi.fn<Carrier['ship']>(({ number }) => Promise.resolve({ number, price: 5 }));
  const print = vi.fn<Printer['print']>();
  const { app, kit, publish } = await startApp({
    options: { maxDeliveries: 1 },
    controllers: [InvoiceController, OrderController, ParcelController],
    providers: [
      Shipping,
      { provide: Warehouse, useValue: { reserve } },
      { provide: Mails, useValue: { send } },
      { provide: Printer, useValue: { print } },
      { provide: Carrier, useValue: { ship } },
    ],
  });
  const [shipping, workflows] = [app.get(Shipping), app.get(Workflows)];
  return { kit, publish, reserve, send, ship, print, shipping, workflows };
}

it('a customer is thanked five seconds after the order was reserved', async () => {
  const { kit, publish, reserve, send } = await start();
  await publish('order.placed', ORDER);
  expect(reserve).toHaveBeenCalledTimes(1);
  await kit.advance(4_999);
  await kit.idle();
  expect(send).not.toHaveBeenCalled();
  await kit.advance(1);
  await kit.idle();
  expect(send.mock.calls).toEqual([['c-1', 'thanks']]);
});

it('a step that fails is not followed by another', async () => {
  const { kit, publish, reserve, send } = await start();
  reserve.mockRejectedValue(new Error('burnt down'));
  await publish('order.placed', ORDER);
  await kit.advance(60_000);
  await kit.idle();
  expect(send).not.toHaveBeenCalled();
});

it('all parcels are shipped, and then the join runs once', async () => {
  const { kit, shipping, workflows, ship } = await start();
  const id = await shipping.start(SHIPMENT);
  expect(id).toBe('ship-o-1');
  expect(await shipping.start(SHIPMENT)).toBe(id);
  await kit.idle();
  expect(ship.mock.calls.map(([{ number }]) => number).toSorted()).toEqual(['p-1', 'p-2']);
  const done = (await workflows.get(id))!;
  expect(done.status).toBe('completed');
  expect(done.steps.at(-1)).toMatchObject({
    event: 'order.shipped',
    result: '2 parcels are on their way',
  });
  expect(await shipping.waiting('o-1')).toEqual([]);
  expect(await shipping.waiting('o-2')).toBeUndefined();
  expect(await shipping.cancel('o-1')).toBe(false);
});

it('where a parcel cannot be shipped, the fan-out has failed, and its hook runs once', async () => {
  const { kit, shipping, workflows, ship } = await start();
  ship.mockRejectedValueOnce(new Error('too heavy'));
  const id = await shipping.start(SHIPMENT);
  await kit.idle();
  const { status, steps } = (await workflows.get(id))!;
  expect(status).toBe('failed');
  const last = steps.filter(({ event }) => event === 'order.refund');
  expect(last).toMatchObject([{ result: '1 parcels are refunded' }]);
  expect(steps.some(({ event }) => event === 'order.shipped')).toBe(false);
});

it('a workflow that is cancelled begins no further step', async () => {
  const { kit, shipping, ship, workflows } = await start();
  const id = await shipping.start(SHIPMENT);
  expect(await shipping.cancel('o-1')).toBe(true);
  await kit.idle();
  expect(ship).not.toHaveBeenCalled();
  expect(kit.settled).toMatchObject([{ outcome: 'cancelled' }]);
  expect(await workflows.get(id)).toMatchObject({ status: 'cancelled' });
});

it('an invoice that cannot be printed is reported, and is a dead letter', async () => {
  const logged = vi.spyOn(Logger.prototype, 'error');
  onTestFinished(() => logged.mockRestore());
  const { kit, publish, print } = await start();
  print.mockRejectedValue(new Error('no paper'));
  await publish('order.paid', ORDER);
  expect(logged.mock.calls).toContainEqual(['No invoice for o-1: max-deliveries']);
  expect(await kit.deadLetters()).toMatchObject([{ stream: 'invoice.print' }]);
});
