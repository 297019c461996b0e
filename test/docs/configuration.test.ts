import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getStreamsToken, StreamPublisher, StreamsTransport } from 'nestjs-redis-streams';
import { InvalidConfigError, loadConfig } from 'nestjs-redis-streams/config';
import { expect, it, onTestFinished, vi } from 'vitest';
import { OrderController } from '../../sample/docs/configuration/order.controller.js';
import { options } from '../../sample/docs/configuration/drivers.js';
import { streams } from '../../sample/docs/configuration/in-code.js';
import { ShopController } from '../../sample/docs/configuration/shop.controller.js';
import { readPage } from '../support/doc-pages.js';
import { secret } from '../support/secrets.js';
import { startRedis } from '../support/redis-server.js';
import { blocksOf } from '../support/snippets.js';
import { until } from '../support/until.js';

const page = readPage('docs/configuration.md');
const [file, several] = blocksOf(page)
  .map(({ text }) => text)
  .filter((text) => text.includes('slots:'));

/** The working directory of an application with this file. */
async function folderWith(name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-config-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, name), text);
  return folder;
}

it('the application of the page reads its file, and gets messages from the topic', async () => {
  const server = await startRedis({ args: ['--requirepass', secret('server')] });
  onTestFinished(() => server.stop());
  vi.stubEnv('REDIS_ADDRESS', `127.0.0.1:${server.port}`);
  vi.stubEnv('REDIS_PASSWORD', secret('server'));
  onTestFinished(() => void vi.unstubAllEnvs());
  const before = process.cwd();
  process.chdir(await folderWith('consumer-config.yaml', file!));
  onTestFinished(() => process.chdir(before));
  const { AppModule } = await import('../../sample/docs/configuration/app.module.js');
  const app = await NestFactory.create(AppModule, { logger: false });
  onTestFinished(() => app.close());
  app.connectMicroservice({ strategy: app.get(StreamsTransport) });
  const lines: string[] = [];
  const silent = { warn: () => undefined, error: () => undefined };
  Logger.overrideLogger({ log: (text: unknown) => void lines.push(String(text)), ...silent });
  onTestFinished(() => Logger.overrideLogger(false));
  await app.startAllMicroservices();
  expect(lines.find((line) => line.startsWith('Connections'))).toMatch(
    /^Connections: [2-9] to redis$/,
  );
  const order = { orderId: 'o-1', customerId: 'c-1', total: 100 };
  await app.get(StreamPublisher).publish('order.placed', order, { stream: 'orders.created' });
  await until('the order', () => OrderController.seen.includes('o-1'));
});

it('the file with several consumers has them both', async () => {
  const folder = await folderWith('consumers.yaml', several!);
  const path = join(folder, 'consumers.yaml');
  expect(loadConfig(path, 'order-processor')).toMatchObject({
    name: 'order-processor',
    stream: 'orders.created',
  });
  expect(loadConfig(path, 'payment-processor')).toMatchObject({
    name: 'payment-processor',
    concurrency: 10,
  });
});

/** Starts an application in a folder with the file of several consumers, at a Redis of its own. */
async function inFolderOfSeveral(): Promise<void> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const text = several!.replaceAll('localhost:6379', `127.0.0.1:${server.port}`);
  const before = process.cwd();
  process.chdir(await folderWith('consumers.yaml', text));
  onTestFinished(() => process.chdir(before));
}

it('two consumers of a file run in one application, by their names', async () => {
  await inFolderOfSeveral();
  const { SeveralModule } = await import('../../sample/docs/configuration/several.module.js');
  const app = await NestFactory.create(SeveralModule, { abortOnError: false, logger: false });
  onTestFinished(() => app.close());
  expect(() => app.get(StreamsTransport)).toThrow('Nest could not find StreamsTransport element');
  for (const name of ['order-processor', 'payment-processor']) {
    const strategy = app.get<StreamsTransport>(getStreamsToken(name, StreamsTransport));
    app.connectMicroservice({ strategy });
  }
  await app.startAllMicroservices();
  const publisher = app.get<StreamPublisher>(getStreamsToken('order-processor', StreamPublisher));
  const order = { orderId: 'o-1', customerId: 'c-1', total: 100 };
  await publisher.publish('order.placed', order, { stream: 'orders.created' });
  await until('the payment', () => app.get(ShopController).paid.includes('o-1'));
});

it('a service that loads one of several consumers keeps its code, if it sets the name back', async () => {
  await inFolderOfSeveral();
  const { streams: one } = await import('../../sample/docs/configuration/one-of-several.js');
  const app = await NestFactory.create(
    { module: class {}, imports: [one()], controllers: [OrderController] },
    { logger: false },
  );
  onTestFinished(() => app.close());
  app.connectMicroservice({ strategy: app.get(StreamsTransport) });
  await app.startAllMicroservices();
  const order = { orderId: 'o-2', customerId: 'c-1', total: 100 };
  await app.get(StreamPublisher).publish('order.placed', order, { stream: 'orders.created' });
  await until('the order', () => OrderController.seen.includes('o-2'));
});

it('the mistakes are those that the page shows', async () => {
  const wrong = file!
    .replace('address:', 'adress:')
    .replace('max_retries: 3', 'max_retries: three')
    .replace('commit_interval: 5s', 'commit_interval: 5 seconds')
    .replaceAll(/\$\{REDIS_PASSWORD[^}]*\}/g, 'x');
  const folder = await folderWith('consumer-config.yaml', wrong);
  const thrown = (() => {
    try {
      return loadConfig(join(folder, 'consumer-config.yaml'));
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toBeInstanceOf(InvalidConfigError);
  const shown = blocksOf(page).find(({ text }) => text.startsWith('This configuration'));
  const lines = (thrown as Error).message.replaceAll(`${folder}/`, '').split('\n');
  expect(lines).toEqual(shown!.text.trimEnd().split('\n'));
});

it('options of code stand beside those of the file, and drivers get names', async () => {
  const memory = 'name: order-processor\nslots: { message_source: { driver: memory } }\n';
  const folder = await folderWith('a.yaml', memory);
  expect(streams(join(folder, 'a.yaml'))).toHaveProperty('module');
  const named = memory.replace('driver: memory', 'driver: file, config: { max_keys: 5 }');
  await writeFile(join(folder, 'b.yaml'), named);
  expect(options(join(folder, 'b.yaml')).slots.messageSource).toEqual({
    driver: 'file',
    config: { maxKeys: 5 },
  });
});
