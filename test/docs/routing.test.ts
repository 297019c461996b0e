import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getSourceToken, StreamPublisher, StreamsTransport } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { expect, it, onTestFinished } from 'vitest';
import { AppModule } from '../../sample/docs/routing/app.module.js';
import { Archive } from '../../sample/docs/routing/archive.js';
import { LedgerController, LedgerModule } from '../../sample/docs/routing/ledger.module.js';
import { PackingController, PackingModule } from '../../sample/docs/routing/packing.module.js';
import { ReadingController } from '../../sample/docs/routing/reading.controller.js';
import { ReviewController } from '../../sample/docs/routing/review.controller.js';
import { TriageController } from '../../sample/docs/routing/triage.controller.js';
import { startApp } from '../support/nest-app.js';

async function start(service: Type = AppModule, kit = new StreamsTestKit()) {
  const module = await Test.createTestingModule({ imports: [service] })
    .overrideProvider(getSourceToken())
    .useValue(kit.source)
    .compile();
  module.useLogger(false);
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  await app.listen();
  return { app, kit };
}

it('routed events are in one stream, and a pattern reads it; the others are filtered', async () => {
  const { app, kit } = await start();
  const publisher = app.get(StreamPublisher);
  await publisher.publish('issues.opened', { number: 1 });
  await publisher.publish('pull_request.review.requested', { number: 2 });
  await kit.idle();
  expect(app.get(TriageController).seen).toEqual(['issues.opened 1']);
  const settled = kit.settled.map(({ stream, outcome }) => `${stream} ${outcome}`);
  expect(settled).toEqual(['github handled', 'github filtered']);
});

it('two services on one stream: each gets all of it, and takes what it handles', async () => {
  const { app: packing, kit } = await start(PackingModule);
  const { app: ledger } = await start(LedgerModule, kit);
  const publisher = packing.get(StreamPublisher);
  await publisher.publish('order.placed', { orderId: 'o-1', customerId: 'ada' });
  await publisher.publish('order.paid', { orderId: 'o-1', customerId: 'ada' });
  await kit.idle();
  expect(packing.get(PackingController).packed).toEqual(['o-1']);
  expect(ledger.get(LedgerController).booked).toEqual(['order.placed o-1', 'order.paid o-1']);
  const settled = kit.settled.map(({ stream, group, outcome }) => `${stream} ${group} ${outcome}`);
  expect(settled.toSorted()).toEqual([
    'orders ledger handled',
    'orders ledger handled',
    'orders packing filtered',
    'orders packing handled',
  ]);
});

it('a producer may name the stream', async () => {
  const { app, kit } = await start();
  const seen: number[] = [];
  const archive = app.get(Archive);
  await app
    .get(StreamsTransport)
    .subscribe<{ number: number }>('issues.closed', ({ number }) => void seen.push(number), {
      stream: 'archive',
    });
  await archive.publish({ number: 1 });
  archive.emit({ number: 2 });
  archive.emitRecord({ number: 3 });
  await kit.idle();
  expect(seen).toEqual([1, 2, 3]);
  expect(app.get(TriageController).seen).toEqual([]);
});

it('handlers name streams: one event, some of two streams, all of a stream', async () => {
  const { kit, publish } = await startApp({ controllers: [ReadingController] });
  await publish('issues.closed', 1, { stream: 'archive' });
  await publish('order.paid', 1, { stream: 'eu' });
  await publish('order.paid', 1, { stream: 'us' });
  await publish('user.made', 1, { stream: 'us' });
  await publish('anything', 1, { stream: 'audit' });
  expect(kit.settled.map(({ stream, outcome }) => `${stream} ${outcome}`)).toEqual([
    'archive handled',
    'eu handled',
    'us handled',
    'us filtered',
    'audit handled',
  ]);
});

it('a handler runs the messages that its filter accepts, and the others are filtered', async () => {
  const { app, kit, publish } = await startApp({ controllers: [ReviewController] });
  await publish('order.paid', { orderId: 'small', customerId: 'c', total: 99_999 });
  await publish('order.paid', { orderId: 'large', customerId: 'c', total: 100_000 });
  expect(app.get(ReviewController).reviewed).toEqual(['large']);
  expect(kit.settled).toMatchObject([
    { outcome: 'filtered', handler: 'ReviewController.review' },
    { outcome: 'handled', handler: 'ReviewController.review' },
  ]);
});

it('a payload that the filter cannot read fails the run', async () => {
  const { kit, publish } = await startApp({ controllers: [ReviewController] });
  await publish('order.paid', null);
  expect(kit.settled).toMatchObject([{ outcome: 'retried', error: { name: 'TypeError' } }]);
});
