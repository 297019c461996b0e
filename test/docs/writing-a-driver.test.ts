import { NestFactory } from '@nestjs/core';
import { DeadLetters, StreamPublisher, StreamsTransport } from 'nestjs-redis-streams';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { OrderController } from '../../sample/docs/writing-a-driver/order.controller.js';
import { FILE_CAPABILITIES } from '../../sample/file-driver/src/file.capabilities.js';
import { readPage } from '../support/doc-pages.js';
import { blocksOf } from '../support/snippets.js';
import { until } from '../support/until.js';

const page = readPage('docs/writing-a-driver.md');
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writing-a-driver-'));
  vi.stubEnv('DATA', directory);
  OrderController.paid.length = 0;
});
afterEach(() => rm(directory, { recursive: true }));

async function startApp() {
  const { AppModule } = await import('../../sample/docs/writing-a-driver/app.module.js');
  const app = await NestFactory.create(AppModule, { logger: false });
  app.connectMicroservice({ strategy: app.get(StreamsTransport) });
  await app.startAllMicroservices();
  return app;
}

it('the driver fills all slots of an application, by its name', async () => {
  const order = { orderId: 'o-1', customerId: 'c-1', total: 100 };
  const app = await startApp();
  const publisher = app.get(StreamPublisher);
  for (let turn = 0; turn < 2; turn++) await publisher.publish('order.paid', order);
  await publisher.publish('order.paid', { ...order, orderId: 'o-2', total: 0 });
  await publisher.publish('order.paid', { ...order, orderId: 'o-3' });
  await until('the last order', () => OrderController.paid.includes('o-3'));
  expect(OrderController.paid).toEqual(['o-1', 'o-3']);
  const letters = app.get(DeadLetters);
  await until('the dead letter', async () => (await letters.list('order.paid')).items.length === 1);
  await expect(publisher.publish('order.paid', order, { delay: 10 })).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
  });
  await app.close();
  expect((await readdir(directory)).toSorted()).toEqual(['journal.jsonl', 'streams']);
});

it('the page lists every capability', () => {
  const { technology, ...capabilities } = FILE_CAPABILITIES;
  expect(technology).toBe('file');
  for (const name of [...Object.keys(capabilities), 'maxPayload', 'replicatedPublish']) {
    expect(page, name).toContain(`\n| \`${name}\` `);
  }
});

it('the page shows the source of the driver', () => {
  const shown = blocksOf(page).flatMap(({ file }) => file ?? []);
  expect(shown.filter((file) => file.startsWith('../file-driver/')).length).toBeGreaterThan(10);
});
