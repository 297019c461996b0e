import { StreamPublisher } from 'nestjs-redis-streams';
import { expect, it } from 'vitest';
import { Checkout } from '../../sample/docs/guarantees/checkout.js';
import { TenantController } from '../../sample/docs/guarantees/tenant.controller.js';
import { TenantData } from '../../sample/docs/guarantees/tenant-data.js';
import { startApp } from '../support/nest-app.js';

it('an order that is placed again with its key is the same message', async () => {
  const { app, kit } = await startApp({ providers: [Checkout] });
  const order = { orderId: 'o-1', customerId: 'c-1', total: 1 };
  const id = await app.get(Checkout).place(order);
  expect(await app.get(Checkout).place({ ...order, total: 2 })).toBe(id);
  expect(await app.get(Checkout).place({ ...order, orderId: 'o-2' })).not.toBe(id);
  await kit.idle();
});

it('a handler closes the transport, and its message is acknowledged', async () => {
  const { app, kit } = await startApp({
    controllers: [TenantController],
    providers: [TenantData],
  });
  await app.get(StreamPublisher).publish('tenant.deleted', {});
  await expect.poll(() => kit.settled).toMatchObject([{ outcome: 'handled' }]);
  expect(app.get(TenantData).deleted).toBe(true);
});
