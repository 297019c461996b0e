import { Redis } from 'ioredis';
import { RedisStreamsModule, RedisStreamsTransport, StreamPublisher } from 'nestjs-redis-streams';
import type { SettledEvent } from 'nestjs-redis-streams';
import { afterAll, expect, it, onTestFinished, vi } from 'vitest';
import { Checkout } from '../../sample/docs/idempotency/checkout.js';
import { DatabaseInbox } from '../../sample/docs/idempotency/database.inbox.js';
import { Database } from '../../sample/docs/idempotency/database.js';
import { InvoiceController } from '../../sample/docs/idempotency/invoice.controller.js';
import { KeysController } from '../../sample/docs/idempotency/keys.controller.js';
import { MailController } from '../../sample/docs/idempotency/mail.controller.js';
import { Mails } from '../../sample/docs/idempotency/mails.js';
import { StockController } from '../../sample/docs/idempotency/stock.controller.js';
import { appModule, createApp, startApp } from '../support/nest-app.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };

it('an order that is published twice with its key is one message', async () => {
  const { app, kit } = await startApp({
    providers: [Checkout, Mails],
    controllers: [MailController],
  });
  await app.get(Checkout).paid(ORDER);
  await app.get(Checkout).paid(ORDER);
  await kit.idle();
  expect(kit.settled).toMatchObject([{ outcome: 'handled' }]);
});

it('a second message of an order is a duplicate, also a day later, and then no more', async () => {
  const send = vi.fn<Mails['send']>();
  const { kit, publish } = await startApp({
    controllers: [MailController],
    providers: [{ provide: Mails, useValue: { send } }],
  });
  const outcomes = () => kit.settled.map(({ outcome }) => outcome);
  send.mockRejectedValueOnce(new Error('no answer'));
  await publish('order.paid', ORDER);
  await kit.advance(1_000);
  await kit.idle();
  await publish('order.paid', ORDER);
  expect(outcomes()).toEqual(['retried', 'handled', 'duplicate']);
  await kit.advance(86_390_000);
  await publish('order.paid', ORDER);
  await kit.advance(10_000);
  await publish('order.paid', ORDER);
  expect(outcomes().slice(3)).toEqual(['duplicate', 'handled']);
  expect(send).toHaveBeenCalledTimes(3);
});

it('keys of all kinds: by message, by producer, and shared by events of one handler', async () => {
  const { app, kit, publish } = await startApp({ controllers: [KeysController] });
  const publisher = app.get(StreamPublisher);
  const outcomes = () => kit.settled.splice(0).map(({ outcome }) => outcome);
  await publish('parcel.packed', {});
  await publish('parcel.packed', {});
  expect(outcomes()).toEqual(['handled', 'handled']);
  for (const stream of ['parcel.sent', 'other'])
    await publisher.publish('parcel.sent', {}, { idempotencyKey: 'k', stream });
  await kit.idle();
  expect(outcomes()).toEqual(['handled']);
  for (const event of ['order.paid', 'order.settled'])
    await publish(event, ORDER, { stream: 'payments' });
  expect(outcomes()).toEqual(['handled', 'duplicate']);
});

const server = await startRedis();
afterAll(() => server.stop());

it('writes of an inbox on Redis are made once', async () => {
  const client = new Redis(server.url);
  onTestFinished(() => client.disconnect());
  const streams = RedisStreamsModule.forRoot({ url: server.url, group: 'stock', keyPrefix: 'x:' });
  const app = await createApp(appModule({ imports: [streams], controllers: [StockController] }));
  onTestFinished(() => app.close());
  const settled: SettledEvent[] = [];
  app.get(RedisStreamsTransport).on('settled', (event) => settled.push(event));
  await app.listen();
  const sale = { orderId: 'o-1', article: 'lamp', pieces: 2 };
  for (let times = 0; times < 2; times++)
    await app.get(StreamPublisher).publish('article.sold', sale);
  await until('both are settled', () => settled.length === 2);
  expect(settled.map(({ outcome }) => outcome).toSorted()).toEqual(['duplicate', 'handled']);
  expect(await client.hgetall('stock')).toEqual({ lamp: '-2' });
  expect(await client.lrange('sold', 0, -1)).toEqual(['o-1']);
});

it('writes to a database are made once, and none of a run that failed', async () => {
  const database = new Database();
  const insert = vi.spyOn(database.rows, 'push');
  insert.mockImplementationOnce(() => {
    throw new Error('the disk is full');
  });
  const { kit, publish } = await startApp({
    options: { inbox: new DatabaseInbox(database) },
    controllers: [InvoiceController],
  });
  await publish('order.paid', ORDER);
  expect(database.rows).toEqual([]);
  await kit.advance(1_000);
  await kit.idle();
  await publish('order.paid', ORDER);
  expect(database.rows).toEqual(['invoice of o-1']);
  const outcomes = kit.settled.map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['retried', 'handled', 'duplicate']);
});
