import { Test } from '@nestjs/testing';
import {
  ConnectionError,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { lastValueFrom } from 'rxjs';
import { OrderPublisher } from '../../sample/docs/errors/order.publisher.js';
import { LeaveToTransport } from '../../sample/docs/events/leave-to-transport.filter.js';
import { RunMetrics } from '../../sample/docs/events/run-metrics.js';
import { AuditService } from '../../sample/docs/reference/audit.service.js';
import { CheckoutService } from '../../sample/docs/reference/checkout.service.js';
import { OrderController } from '../../sample/docs/reference/order.controller.js';
import type { ShopEvents } from '../../sample/docs/shop/orders.js';

const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };

async function start() {
  const kit = new StreamsTestKit();
  const module = await Test.createTestingModule({
    imports: [
      StreamsModule.forRoot({ slots: kit.slots, group: 'test' }),
      StreamsModule.forRoot({ slots: kit.slots, group: 'audit', name: 'audit' }),
    ],
    controllers: [OrderController],
    providers: [AuditService, CheckoutService, RunMetrics],
  }).compile();
  module.useLogger(false);
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  app.useGlobalFilters(new LeaveToTransport());
  onTestFinished(() => app.close());
  await app.listen();
  return { kit, app, seen: app.get(OrderController).seen };
}

it('the handlers of the page on decorators get what it says', async () => {
  const { kit, seen } = await start();
  await kit.publish('order.placed', ORDER);
  await kit.publish('order.refunded', ORDER, { stream: 'payments' });
  const id = await kit.publish('user.added', {}, { stream: 'audit' });
  await kit.idle();
  expect(seen.toSorted()).toEqual(
    ['o-1 placed, run 1', 'o-1 order.refunded', `${id} archived`].toSorted(),
  );
});

it('services are injected by the name of their module', async () => {
  const { kit, app } = await start();
  const audit = app.get(AuditService);
  expect(await audit.note('started')).toMatch(/^\d+-\d+$/);
  await kit.idle();
  expect(await audit.lost()).toBe(0);
});

it('the order of the page on services is placed in an hour, unless it is undone', async () => {
  const { kit, app, seen } = await start();
  const checkout = app.get(CheckoutService);
  const undone = await checkout.place(ORDER);
  await checkout.place({ ...ORDER, orderId: 'o-2' });
  expect(await checkout.undo(undone)).toBe(true);
  expect(await checkout.undo(undone)).toBe(false);
  await kit.advance(3_600_000);
  await kit.idle();
  expect(seen).toEqual(['o-2 placed, run 1']);
});

it('the listeners of the page on events hear runs and dead letters, with the original error', async () => {
  const { kit, app } = await start();
  const metrics = app.get(RunMetrics);
  const stop = vi.spyOn(app.get(OrderController).seen, 'push').mockImplementation(() => {
    throw new TypeError('no place');
  });
  await kit.publish('order.placed', ORDER);
  await kit.idle();
  for (let wait = 0; wait < 2; wait++) {
    await kit.advance(5_000);
    await kit.idle();
  }
  stop.mockRestore();
  expect([...metrics.durations.keys()]).toEqual([
    'OrderController.placed retried',
    'OrderController.placed dead-lettered',
  ]);
  expect(metrics.alarms).toEqual([
    expect.stringMatching(/^order\.placed \d+-\d+: max-deliveries in OrderController\.placed$/),
  ]);
  expect(await kit.deadLetters()).toMatchObject([{ error: { name: 'TypeError' } }]);
});

it('the filter of the page on events passes the error on', async () => {
  const error = new TypeError('broken');
  await expect(lastValueFrom(new LeaveToTransport().catch(error))).rejects.toBe(error);
});

it.each([
  ['not-sent', 1],
  ['unknown', 0],
] as const)('an order whose publication failed, outcome %s, is kept: %i', async (outcome, kept) => {
  const { app } = await start();
  const publisher = app.get<StreamPublisher<ShopEvents>>(StreamPublisher);
  const error = new ConnectionError('Redis', outcome, 'publishing');
  vi.spyOn(publisher, 'publish').mockRejectedValue(error);
  const orders = new OrderPublisher(publisher);
  const placed = orders.place(ORDER);
  if (kept) await placed;
  else await expect(placed).rejects.toBe(error);
  expect(orders.unsent).toHaveLength(kept);
});
