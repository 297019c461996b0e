import { Controller } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { StreamHandler, StreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { expect, it, onTestFinished } from 'vitest';
import { decide } from '../../sample/docs/dead-letters/decide.js';
import { HeldOrders } from '../../sample/docs/dead-letters/held-orders.service.js';
import { OrderController } from '../../sample/docs/dead-letters/order.controller.js';
import { Mailer, Warehouse } from '../../sample/docs/dead-letters/services.js';
import { UnclearController } from '../../sample/docs/dead-letters/unclear.controller.js';

async function start() {
  const kit = new StreamsTestKit();
  const options = { slots: kit.slots, group: 'test', deadLetter: decide };
  const module = await Test.createTestingModule({
    imports: [StreamsModule.forRoot(options)],
    controllers: [OrderController, UnclearController],
    providers: [Warehouse, Mailer],
  }).compile();
  module.useLogger(false);
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  await app.listen();
  return { app, kit, outcomes: () => kit.settled.map(({ outcome }) => outcome) };
}

it('forwards orders, and drops mails', async () => {
  const { app, kit, outcomes } = await start();
  await kit.publish('order.placed', { orderId: 'o-1', customerId: 'c-1', total: 100 });
  await kit.publish('email.send', { to: 'a@b', template: 'welcome' });
  await kit.clock.advance(10_000);
  expect(outcomes().filter((outcome) => outcome !== 'retried')).toEqual([
    'dropped',
    'forwarded',
    'handled',
  ]);
  expect([...app.get(UnclearController).open]).toEqual([
    ['o-1', 'order.placed: Error: There is no stock for o-1.'],
  ]);
  expect(await kit.deadLetters()).toEqual([]);
});

it('lists and releases messages on hold', async () => {
  const kit = new StreamsTestKit();
  let broken = true;
  @Controller()
  class Paid {
    @StreamHandler('order.paid', { maxDeliveries: 1, deadLetter: 'hold' })
    collect(): void {
      if (broken) throw new Error('The bank is closed.');
    }
  }
  const module = await Test.createTestingModule({
    imports: [StreamsModule.forRoot({ slots: kit.slots, group: 'test' })],
    controllers: [Paid],
    providers: [HeldOrders],
  }).compile();
  module.useLogger(false);
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  await app.listen();
  await kit.publish('order.paid', {});
  await kit.publish('order.paid', {});
  await kit.clock.advance(600_000);
  const orders = app.get(HeldOrders);
  const reasons = await orders.reasons('test');
  expect([...reasons.values()]).toEqual(['max-deliveries', 'max-deliveries']);
  broken = false;
  expect(await orders.release([...reasons.keys()].slice(0, 1))).toBe(1);
  expect(await orders.releaseAll('test')).toBe(1);
  await kit.clock.advance(10_000);
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['held', 'held', 'handled', 'handled']);
});

it('decides by reason and size', () => {
  if (typeof decide !== 'function') throw new Error('no function');
  const ask = decide;
  const base = { stream: 's', id: '1-0', group: 'g', consumer: 'c', attempts: 1 };
  const times = { publishedAt: '', deadLetteredAt: '' };
  const record = { ...base, ...times, reason: 'unmatched' };
  expect(ask(record, [])).toBe('drop');
  expect(ask({ ...record, reason: 'undecodable' }, [])).toEqual({ forward: 'garbage' });
  expect(ask({ ...record, reason: 'crashed' }, ['a', 'b'])).toBe('queue');
  expect(ask({ ...record, reason: 'crashed' }, ['a', 'b'.repeat(200_000)])).toBe('drop');
});
