import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Logger, Module, ValidationPipe, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisStreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import { expect, it, onTestFinished, vi } from 'vitest';
import { DeadLetterController } from '../../sample/docs/tutorial/src/dead-letter.controller.js';
import { OrderController } from '../../sample/docs/tutorial/src/order.controller.js';
import { PackingController } from '../../sample/docs/tutorial/src/packing.controller.js';
import { Warehouse } from '../../sample/docs/tutorial/src/warehouse.js';
import { readPage } from '../support/doc-pages.js';
import { startRedis } from '../support/redis-server.js';
import { blocksOf, sectionOf } from '../support/snippets.js';
import { startedMain } from '../support/started-main.js';
import { until } from '../support/until.js';

// The test that the page shows is run here, too.
import '../../sample/docs/tutorial/src/packing.controller.spec.js';

const run = promisify(execFile);
const page = readPage('docs/tutorial.md');
const log: string[] = [];

/** Takes what handlers log, and leaves out what Nest says of the errors that the page wants. */
function takeLog(): void {
  const take = (text: unknown, ...more: unknown[]): void =>
    void log.push(`LOG [${String(more.at(-1))}] ${String(text)}`);
  const ignore = (): void => undefined;
  Logger.overrideLogger({ log: take, warn: ignore, error: ignore });
}

/** Does what a chapter says: its commands as they stand, whose answers and log lines it shows. */
async function follow(chapter: string, app: INestApplication, redisUrl: string): Promise<void> {
  const origin = (await app.getUrl()).replace('[::1]', 'localhost');
  let command = '';
  let answer = '';
  const ask = async (): Promise<void> =>
    void ({ stdout: answer } = await run('sh', ['-ec', command]));
  for (const { language, text } of blocksOf(sectionOf(page, chapter))) {
    if (language === 'sh') {
      command = text
        .replaceAll('curl ', 'curl -s ')
        .replaceAll('localhost:3000', origin)
        .replaceAll('redis-cli ', `redis-cli -u ${redisUrl} `);
      await ask();
    } else if (language === 'json') {
      const shown = async (): Promise<boolean> => {
        if (withoutIds(answer) === withoutIds(text)) return true;
        if (!command.includes('POST')) await ask();
        return false;
      };
      await until(`${chapter}: ${text}`, shown, 10_000, () => answer);
    } else if (language === 'text') {
      const missing = (): string[] => text.split('\n').filter((line) => !log.includes(line));
      await until(
        `${chapter}: ${text}`,
        () => missing().length === 0,
        15_000,
        () => log.join('\n'),
      );
    } else expect(language).toBe('ts');
  }
}

const withoutIds = (json: string): string =>
  JSON.stringify(JSON.parse(json)).replaceAll(/\d{13}-\d+/g, 'id');

it('the shop of the tutorial does what each chapter says', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  vi.stubEnv('REDIS_URL', redis.url);
  takeLog();

  const first = await startedMain<INestApplication>(() => startFirstShop(redis.url));
  await follow('Run failed orders again', first, redis.url);
  first.get(Warehouse).limit = 100_000;
  await follow('Look at dead letters, and run them again', first, redis.url);
  await first.close();

  const main = (): Promise<unknown> => import('../../sample/docs/tutorial/src/main.js');
  const shop = await startedMain<INestApplication>(main);
  await follow('Add a second service', shop, redis.url);
  await follow('Send a reminder later', shop, redis.url);
  await follow('Let one step follow another', shop, redis.url);
}, 60_000);

/** The shop as it is after the first chapters: one group alone. */
async function startFirstShop(url: string): Promise<void> {
  @Module({
    imports: [RedisStreamsModule.forRoot({ url, group: 'shop' })],
    controllers: [OrderController, PackingController, DeadLetterController],
    providers: [Warehouse],
  })
  class FirstShop {}
  const app = await NestFactory.create(FirstShop);
  app.useGlobalPipes(new ValidationPipe({ transform: true }));
  app.connectMicroservice({ strategy: app.get(StreamsTransport) }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0);
}
