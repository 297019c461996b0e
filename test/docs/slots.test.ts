import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StreamPublisher, StreamsTransport } from 'nestjs-redis-streams';
import { expect, it, onTestFinished } from 'vitest';
import { AppModule } from '../../sample/docs/slots/app.module.js';
import { Streams } from '../../sample/docs/slots/by-name.js';
import { OrderController } from '../../sample/docs/slots/order.controller.js';
import { readPage } from '../support/doc-pages.js';
import { until } from '../support/until.js';

it('the application of the page runs without Redis, and says what fills its slots', async () => {
  expect(process.env['REDIS_URL']).toBeUndefined();
  const lines: string[] = [];
  const app = await NestFactory.create(AppModule, { logger: false });
  onTestFinished(() => app.close());
  app.connectMicroservice({ strategy: app.get(StreamsTransport) });
  Logger.overrideLogger({
    log: (text: unknown) => void lines.push(String(text)),
    warn: () => undefined,
    error: () => undefined,
  });
  onTestFinished(() => Logger.overrideLogger(false));
  await app.startAllMicroservices();
  const line = lines.find((text) => text.startsWith('Slots: '));
  expect(readPage('docs/slots.md')).toContain(line?.replaceAll('memory', 'redis'));

  const order = { orderId: 'o-1', customerId: 'c-1', total: 100 };
  const publisher = app.get(StreamPublisher);
  for (let turn = 0; turn < 2; turn++) await publisher.publish('order.paid', order);
  await publisher.publish('order.paid', { ...order, orderId: 'o-2' });
  await until('both orders', () => OrderController.seen.includes('o-2'));
  expect(OrderController.seen).toEqual(['o-1', 'o-2']);
});

it('drivers may be named', () => {
  expect(Streams).toHaveProperty('module');
});
