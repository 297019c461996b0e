import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { StreamPublisher, StreamsTransport } from 'nestjs-redis-streams';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Bills } from '../../sample/docs/lag/bills.js';
import { LagReport } from '../../sample/docs/lag/lag-report.js';
import { OrderImport } from '../../sample/docs/lag/order-import.js';
import type { Order } from '../../sample/docs/shop/orders.js';
import { startRedis } from '../support/redis-server.js';
import { quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';

const order = (n: number): Order => ({ orderId: `o-${n}`, customerId: 'c-1', total: n });

it('a group that falls behind is reported, raises the alarm, and holds producers up until it recovers', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  vi.stubEnv('REDIS_URL', server.url);
  const { AppModule } = await import('../../sample/docs/lag/app.module.js');

  let free!: () => void;
  const jam = new Promise<void>((resolve) => (free = resolve));
  const module = await Test.createTestingModule({ imports: [AppModule], providers: [OrderImport] })
    .overrideProvider(Bills)
    .useValue({ write: () => jam })
    .compile();
  module.useLogger(false);
  const log = vi.spyOn(Logger.prototype, 'log');
  const error = vi.spyOn(Logger.prototype, 'error');
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  onTestFinished(free);
  await app.listen();
  const [report, orders] = [app.get(LagReport), app.get(OrderImport)];
  expect(await report.lines()).toEqual(['order.placed billing: 0 not delivered, 0 not settled']);

  const many = Array.from({ length: 11_000 }, (_, n) => order(n));
  await app
    .get(StreamPublisher)
    .publishBatch(many.map((payload) => ({ eventType: 'order.placed', payload })));
  const said = (spy: typeof error, text: RegExp) =>
    until(`${text}`, () => spy.mock.calls.some(([line]) => text.test(String(line))));
  await said(error, /^billing is 1\d{4} behind on order\.placed$/);
  expect((await report.lines()).join()).toMatch(
    /order\.placed billing: 1\d{4} not delivered, \d+ /,
  );

  expect(await orders.one(order(1))).toBe(false);
  let published = false;
  const waiting = orders.all([order(2)]).then(() => (published = true));
  await quiet(600);
  expect(published).toBe(false);

  free();
  await waiting;
  await said(log, /^billing has caught up$/);
  await until('nothing waits', async () =>
    (await report.lines()).every((line) => line.endsWith(': 0 not delivered, 0 not settled')),
  );
  expect(await orders.one(order(3))).toBe(true);
});
