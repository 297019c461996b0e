import { expect, it, vi } from 'vitest';
import { Bank } from '../../sample/docs/batches/bank.js';
import { OrderController } from '../../sample/docs/batches/order.controller.js';
import { Orders } from '../../sample/docs/batches/orders.js';
import { ParcelController } from '../../sample/docs/batches/parcel.controller.js';
import { PaymentController } from '../../sample/docs/batches/payment.controller.js';
import { startApp } from '../support/nest-app.js';

const orderOf = (orderId: string) => ({ orderId, customerId: 'c-1', total: 100 });

async function start() {
  const insertMany = vi.fn<Orders['insertMany']>();
  const collect = vi.fn<Bank['collect']>();
  const { kit } = await startApp({
    options: { backoff: { delay: 1_000, jitter: 0 } },
    controllers: [OrderController, ParcelController, PaymentController],
    providers: [
      { provide: Orders, useValue: { insertMany } },
      { provide: Bank, useValue: { collect } },
    ],
  });
  const elapse = (ms: number) => kit.advance(ms).then(() => kit.idle());
  const outcomes = () => kit.settled.map(({ outcome }) => outcome);
  return { kit, insertMany, collect, elapse, outcomes };
}

it('a batch runs when it is full, or its first message has waited', async () => {
  const { kit, insertMany, elapse } = await start();
  const place = async (count: number) => {
    for (let index = 0; index < count; index++)
      await kit.publish('order.placed', orderOf(`${index}`));
  };
  const sizes = () => insertMany.mock.calls.map(([orders]) => orders.length);
  await place(100);
  await kit.idle();
  expect(sizes()).toEqual([100]);
  await place(30);
  await kit.advance(499);
  expect(sizes()).toEqual([100]);
  await elapse(1);
  expect(sizes()).toEqual([100, 30]);
  expect(insertMany.mock.calls[1]![0][29]).toEqual(orderOf('29'));
});

it('when the method throws, all messages have failed, and come back in a later batch', async () => {
  const { kit, insertMany, elapse, outcomes } = await start();
  insertMany.mockRejectedValueOnce(new Error('no answer'));
  for (const id of ['a', 'b']) await kit.publish('order.placed', orderOf(id));
  await elapse(500);
  expect(outcomes()).toEqual(['retried', 'retried']);
  await elapse(1_500);
  expect(outcomes().slice(2)).toEqual(['handled', 'handled']);
});

it('the method decides of single messages', async () => {
  const { kit, collect, elapse, outcomes } = await start();
  collect.mockResolvedValueOnce('collected').mockResolvedValueOnce('busy');
  collect.mockResolvedValueOnce('closed').mockResolvedValue('collected');
  for (const id of ['a', 'b', 'c']) await kit.publish('order.paid', orderOf(id));
  await elapse(1_000);
  expect(outcomes().toSorted()).toEqual(['dead-lettered', 'handled', 'retried']);
  expect(await kit.deadLetters()).toMatchObject([{ reason: 'account-closed' }]);
  await elapse(6_000);
  expect(outcomes().at(-1)).toBe('handled');
});

it('what is acknowledged stays so where the method throws later', async () => {
  const { kit, collect, elapse, outcomes } = await start();
  collect.mockResolvedValueOnce('collected').mockRejectedValueOnce(new Error('no answer'));
  for (const id of ['a', 'b']) await kit.publish('order.paid', orderOf(id));
  await elapse(1_000);
  expect(outcomes().toSorted()).toEqual(['handled', 'retried']);
});

it('or by its result', async () => {
  const { kit, elapse, outcomes } = await start();
  for (const parcel of ['p-1', '']) await kit.publish('order.shipped', { orderId: 'o', parcel });
  await elapse(1_000);
  expect(outcomes().toSorted()).toEqual(['dead-lettered', 'handled']);
  expect(await kit.deadLetters()).toMatchObject([{ reason: 'no-parcel' }]);
});
