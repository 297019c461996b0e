import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { StreamHandler, StreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import { loadConfig } from 'nestjs-redis-streams/config';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { expect, it, onTestFinished } from 'vitest';
import { decide } from '../../sample/docs/dead-letters/decide.js';
import { HeldOrders } from '../../sample/docs/dead-letters/held-orders.service.js';
import { OrderController } from '../../sample/docs/dead-letters/order.controller.js';
import { Mailer, Warehouse } from '../../sample/docs/dead-letters/services.js';
import { UnclearController } from '../../sample/docs/dead-letters/unclear.controller.js';
import { readPage } from '../support/doc-pages.js';
import { blocksOf } from '../support/snippets.js';

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

it('forwards as the file says, and the documented handler of that stream is no circle', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'streams-config-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const blocks = blocksOf(readPage('docs/dead-letters.md')).map(({ text }) => text);
  const file = blocks.find((text) => text.includes('dead_letter:'))!;
  await writeFile(join(folder, 'config.yaml'), file);
  const kit = new StreamsTestKit();
  @Controller()
  class Placed {
    @StreamHandler('order.placed', { maxDeliveries: 1 })
    place(): void {
      throw new Error('There is no stock.');
    }
  }
  const warnings: string[] = [];
  const start = async (unclear: Type) => {
    const options = { ...loadConfig(join(folder, 'config.yaml')), slots: kit.slots };
    const module = await Test.createTestingModule({
      imports: [StreamsModule.forRoot(options)],
      controllers: [Placed, unclear],
    }).compile();
    module.useLogger(false);
    const strategy = module.get(StreamsTransport);
    strategy.on('warning', ({ code }) => warnings.push(code));
    const app = module.createNestMicroservice({ strategy });
    onTestFinished(() => app.close());
    await app.listen();
    return app;
  };
  @Controller()
  class WithoutStrategy {
    @StreamHandler('order.placed', { streams: ['order.unclear'] })
    look(): void {}
  }
  await expect(start(WithoutStrategy)).rejects.toMatchObject({ code: 'FORWARD_CYCLE' });
  const app = await start(UnclearController);
  await kit.publish('order.placed', { orderId: 'o-1', customerId: 'c-1', total: 100 });
  await kit.clock.advance(10_000);
  expect([...app.get(UnclearController).open.keys()]).toEqual(['o-1']);
  expect(warnings).toEqual([]);
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
