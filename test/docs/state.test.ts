import { Test } from '@nestjs/testing';
import {
  ConsumerStates,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
  type Slots,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import { LedgerController } from '../../sample/docs/state/ledger.controller.js';
import { Ledger } from '../../sample/docs/state/ledger.js';
import { OrderController } from '../../sample/docs/state/order.controller.js';
import { ProgressReport } from '../../sample/docs/state/progress-report.js';
import type { Order } from '../../sample/docs/shop/orders.js';
import { readPage } from '../support/doc-pages.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

const order = (n: number): Order => ({ orderId: `o-${n}`, customerId: 'c-1', total: n });

it('records on Redis how far the consumer has come, under the key and in the shape of the page', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  vi.stubEnv('REDIS_URL', server.url);
  const { AppModule } = await import('../../sample/docs/state/app.module.js');
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  module.useLogger(false);
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  await app.listen();
  const id = await app.get(StreamPublisher).publish('order.paid', order(1));
  const report = app.get(ProgressReport);
  await until('the record', async () => (await report.lines()).length > 0);
  expect(await report.lines()).toEqual([`billing has settled order.paid up to ${id}, last ${id}`]);
  expect(OrderController.seen).toEqual(['o-1']);

  const page = readPage('docs/state.md');
  const key = /here `(consumer:[^`]+)`/.exec(page)![1]!;
  const client = new Redis(server.url);
  onTestFinished(() => client.disconnect());
  const stored = JSON.parse((await client.get(key))!) as Record<string, unknown>;
  const shown = JSON.parse(/```json\n([\s\S]+?)```/.exec(page)![1]!) as Record<string, unknown>;
  expect(Object.keys(stored)).toEqual(Object.keys(shown));
  expect(stored).toMatchObject({ offset: id, last_message_id: id, retry_count: 0 });

  await expect(report.forget('order.paid', 'billing')).rejects.toMatchObject({
    code: 'CONSUMER_STATE_IN_USE',
  });
});

it('records by hand what a page of the ledger has stored', async () => {
  const kit = new StreamsTestKit();
  const slots: Slots = kit.slots;
  const module = await Test.createTestingModule({
    imports: [StreamsModule.forRoot({ slots, group: 'ledger', commits: { auto: false } })],
    controllers: [LedgerController],
    providers: [Ledger],
  }).compile();
  module.useLogger(false);
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  await app.listen();
  const ids: string[] = [];
  for (let n = 1; n <= 5; n++) {
    ids.push(await kit.publish('order.paid', order(n)));
    await kit.idle();
  }
  await kit.advance(60_000);
  expect(app.get(Ledger).stored).toEqual(['o-1', 'o-2', 'o-3']);
  const states = app.get(ConsumerStates);
  expect(await states.get('order.paid')).toMatchObject({
    group: 'ledger',
    name: 'default',
    offset: ids[2],
    lastMessageId: ids[2],
    retryCount: 0,
  });
  expect(await states.get('order.paid', { group: 'other' })).toBeUndefined();
});
