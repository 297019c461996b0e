import { getQueueToken } from '@nestjs/bullmq';
import { Job, type Queue } from 'bullmq';
import { DelayedMessages } from 'nestjs-redis-streams';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { Mailer } from '../../sample/docs/coming-from/mailer.js';
import { Warehouse } from '../../sample/docs/coming-from/warehouse.js';
import { orderOf, redisOfPrograms, started } from '../support/coming-from.js';
import { until } from '../support/until.js';

const redis = await redisOfPrograms();
const before = await import('../../sample/docs/coming-from/bullmq/before.orders.js');
const after = await import('../../sample/docs/coming-from/bullmq/after.orders.js');
const flowBefore = await import('../../sample/docs/coming-from/bullmq/before.flow.js');
const flowAfter = await import('../../sample/docs/coming-from/bullmq/after.flow.js');
const move = await import('../../sample/docs/coming-from/bullmq/move.jobs.js');
const unsettled = () => redis.unsettled('order.placed', 'order-service');
afterAll(() => redis.stop());
beforeEach(() => redis.client.flushall());

it('before: a job runs up to its attempts, an id is added once, and a delayed job waits', async () => {
  const { app, failOnce, reserved } = await started(before.bootstrap);
  const send = vi.spyOn(app.get(Mailer), 'send');
  const queue = app.get<Queue>(getQueueToken('orders'));
  failOnce();
  await queue.pause();
  await app.get(before.Checkout).buy(orderOf('o-1'));
  await app.get(before.Checkout).buy(orderOf('o-1')); // clicked twice
  await queue.resume();
  await until('it ran twice', () => reserved().length === 2);
  await until('both mails wait', async () => (await queue.getDelayedCount()) === 2);
  await queue.promoteJobs();
  await until('the mails are sent', () => send.mock.calls.length === 2);
  expect(reserved()).toEqual(['o-1', 'o-1']);
});

it('after: the same', async () => {
  const { app, failOnce, reserved } = await started(after.bootstrap);
  const send = vi.spyOn(app.get(Mailer), 'send');
  const delayed = app.get(DelayedMessages);
  failOnce();
  await app.get(after.Checkout).buy(orderOf('o-1'));
  await app.get(after.Checkout).buy(orderOf('o-1'));
  await until('it ran twice', () => reserved().length === 2);
  const { items } = await delayed.list('email.send');
  expect(items).toHaveLength(2);
  for (const { id } of items) await delayed.reschedule('email.send', id, { delay: 0 });
  await until('the mails are sent', () => send.mock.calls.length === 2);
  expect(reserved()).toEqual(['o-1', 'o-1']);
});

it.each([
  { name: 'before', ...flowBefore },
  { name: 'after', ...flowAfter },
])('$name: a step runs once all parcels are shipped', async ({ bootstrap, Shipping }) => {
  const { app } = await started(bootstrap);
  const close = vi.spyOn(app.get(Warehouse), 'close');
  type Ship = { ship: (orderId: string, parcels: string[]) => Promise<void> };
  await app.get<Ship>(Shipping).ship('o-1', ['lamp', 'vase']);
  await until('it is closed', () => close.mock.calls.length === 1);
  const [receipts] = close.mock.calls[0]!;
  expect(receipts).toHaveLength(2);
  for (const parcel of ['lamp', 'vase'])
    expect(receipts).toContainEqual({ orderId: 'o-1', parcel });
});

it('move: jobs that wait become messages, each once, also where the mover is interrupted', async () => {
  const old = await started(before.bootstrap);
  const queue = old.app.get<Queue>(getQueueToken('orders'));
  await queue.pause();
  await old.app.get(before.Checkout).buy(orderOf('o-1'));
  await old.app.get(before.Checkout).buy(orderOf('o-2'));
  const due = (await queue.getDelayed()).map((job) => job.timestamp + job.delay);

  const remove = vi.spyOn(Job.prototype, 'remove').mockRejectedValueOnce(new Error('killed'));
  await expect(move.bootstrap()).rejects.toThrow('killed');
  await move.bootstrap();
  expect(remove).toHaveBeenCalledTimes(5);
  expect(await queue.getJobCountByTypes('waiting', 'delayed', 'prioritized', 'active')).toBe(0);

  const { app, reserved } = await started(after.bootstrap);
  await until('both are handled', () => reserved().length === 2);
  await until('they are settled', async () => (await unsettled()) === 0);
  expect(reserved().toSorted()).toEqual(['o-1', 'o-2']);
  const { items } = await app.get(DelayedMessages).list('email.send');
  const moved = items.map(({ dueAt }) => Date.parse(dueAt)); // soonest first
  expect(moved).toEqual(due.toSorted((a, b) => a - b));
  expect(old.reserved()).toEqual([]);
});
