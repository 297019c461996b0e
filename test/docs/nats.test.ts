import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { Logger, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ConsumerGroupManager,
  DeadLetters,
  StreamPublisher,
  StreamsModule,
} from 'nestjs-redis-streams';
import { loadConfig } from 'nestjs-redis-streams/config';
import { nats } from 'nestjs-redis-streams/nats';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OrderController } from '../../sample/docs/nats/order.controller.js';
import { subjectCodec } from '../../sample/docs/nats/subject.codec.js';
import { publish as publishByAnother, read } from '../../sample/docs/nats/other-program.js';
import { appModule, createApp } from '../support/nest-app.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { freePort } from '../support/free-port.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';

const ORDER = { orderId: 'o-1', customerId: 'ada', total: 4200 };

/** What the handler of the page has logged. */
const packed: string[] = [];
const hear = (): void => {
  packed.length = 0;
  const log = (text: unknown): void => {
    if (String(text).startsWith('packing ')) packed.push(String(text));
  };
  Logger.overrideLogger({ log, warn: () => undefined, error: () => undefined });
};
beforeEach(hear);
afterAll(() => Logger.overrideLogger(false));

/** Starts the module as a microservice. */
async function started(module: Type) {
  const app = await createApp(module);
  onTestFinished(() => app.close());
  hear();
  await app.listen();
  return app;
}

const publish = (app: INestApplicationContext): Promise<string> =>
  app.get(StreamPublisher).publish('order.placed', ORDER);

describe('docs/nats.md', needsNats(), () => {
  let server: TestNats;
  const manager = () => jetstreamManager(server.client);
  /** Each program of the page reads its address when it is imported, once. */
  beforeAll(async () => {
    server = await testNats();
    vi.stubEnv('NATS_URL', server.url);
    vi.stubEnv('NATS_SERVERS', server.url);
  });
  afterAll(() => server.cleanup());
  // Before each: an application of the last test may have made some until it was closed.
  beforeEach(async () => {
    const { streams } = await manager();
    for await (const { config } of streams.list()) await streams.delete(config.name);
  });
  const names = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { config } of (await manager()).streams.list()) found.push(config.name);
    return found.toSorted();
  };

  it('the first service makes its stream, and handles the order that it was sent', async () => {
    const port = await freePort();
    vi.stubEnv('PORT', String(port));
    const { bootstrap } = await import('../../sample/docs/nats/main.js');
    const app = await bootstrap();
    onTestFinished(() => app.close());
    const answer = await fetch(`http://localhost:${port}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ORDER),
    });
    expect(await answer.json()).toEqual({ id: expect.stringMatching(/^\d{16}$/) as string });
    await until('the order is packed', () => packed.includes('packing o-1 for ada'));
    expect(await names()).toEqual(['KV_streams-groups', 'order_placed']);
    const { consumers } = await manager();
    await until('it is settled', async () => {
      const { num_ack_pending, num_pending } = await consumers.info('order_placed', 'shop');
      return num_ack_pending === 0 && num_pending === 0;
    });
  });

  it('other programs publish to the same subject, and read what was published', async () => {
    const { AppModule } = await import('../../sample/docs/nats/app.module.js');
    const app = await started(AppModule);
    expect(await publishByAnother(server.url, ORDER)).toMatch(/^\d{16}$/);
    await until('the order is packed', () => packed.includes('packing o-1 for ada'));
    expect(await read(server.url)).toEqual(ORDER);
    const groups = app.get(ConsumerGroupManager);
    expect((await groups.listGroups('order.placed')).toSorted()).toEqual(['shop', 'warehouse']);
  });

  it('a message without the header event_type is a dead letter', async () => {
    const { AppModule } = await import('../../sample/docs/nats/app.module.js');
    const app = await started(AppModule);
    server.client.publish('order.placed', JSON.stringify(ORDER));
    const letters = app.get(DeadLetters);
    await until(
      'it is given up',
      async () => (await letters.list('order.placed')).items.length === 1,
    );
    const { streams } = await manager();
    const subject = '_streams.=.dead.order=2Eplaced.shop';
    const letter = await streams.getMessage('streams-dead-letters', { last_by_subj: subject });
    expect(letter?.string()).toContain('undecodable');
    const [given] = (await letters.list('order.placed')).items;
    expect(given?.error?.message).toContain('the entry has no field "event_type"');
  });

  it('a file names the driver', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'streams-config-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = new URL('../../sample/docs/nats/consumer-config.yaml', import.meta.url);
    await writeFile(join(folder, 'consumer-config.yaml'), await readFile(file));
    const before = process.cwd();
    process.chdir(folder);
    onTestFinished(() => process.chdir(before));
    const { AppModule } = await import('../../sample/docs/nats/configured.module.js');
    await publish(await started(AppModule));
    await until('the order is packed', () => packed.length === 1);
  });

  it('messages are on NATS, and state is on Redis, by a module and by a file', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    vi.stubEnv('REDIS_URL', redis.url);
    const { AppModule } = await import('../../sample/docs/nats/with-redis.module.js');
    await publish(await started(AppModule));
    await until('the order is packed', () => packed.length === 1);
    const file = new URL('../../sample/docs/nats/with-redis.yaml', import.meta.url);
    const options = loadConfig(fileURLToPath(file), 'shop');
    const streams = StreamsModule.forRoot(options);
    const app = await NestFactory.createApplicationContext(streams, { logger: false });
    onTestFinished(() => app.close());
    expect(await publish(app)).toMatch(/^\d{16}$/);
    expect(await names()).toContain('order_placed');
    expect(await names()).not.toContain('KV_streams-state');
  });

  it('core NATS hands messages to who reads', async () => {
    const { AppModule } = await import('../../sample/docs/nats/core.module.js');
    await publish(await started(AppModule));
    await until('the order is packed', () => packed.length === 1);
    expect(await names()).toEqual([]);
  });

  it('the driver uses a connection of the application, and leaves it open', async () => {
    const { AppModule, connecting } =
      await import('../../sample/docs/nats/own-connection.module.js');
    const client = await connecting;
    onTestFinished(() => client.close());
    const app = await started(AppModule);
    await publish(app);
    await until('the order is packed', () => packed.length === 1);
    await app.close();
    expect(client.isClosed()).toBe(false);
    await client.flush();
  });

  it('the codec of the page takes the event type from the subject', async () => {
    const driver = nats({ url: server.url });
    const options = { group: 'shop', codec: subjectCodec, slots: { messageSource: driver } };
    const app = await started(
      appModule({ imports: [StreamsModule.forRoot(options)], controllers: [OrderController] }),
    );
    server.client.publish('order.placed', JSON.stringify(ORDER));
    await until('the order is packed', () => packed.length === 1);
    await publish(app);
    await until('that of this library, too', () => packed.length === 2);
  });

  it('a group handles again what was published since a time', async () => {
    const { ReplayOnNats } = await import('../../sample/docs/groups/replay-on-nats.js');
    const driver = nats({ url: server.url });
    const streams = StreamsModule.forRoot({ group: 'shop', slots: { messageSource: driver } });
    const app = await NestFactory.createApplicationContext(streams, { logger: false });
    onTestFinished(() => app.close());
    const groups = app.get(ConsumerGroupManager);
    const before = new Date();
    await publish(app);
    await publish(app);
    const since = Date.now() + 2;
    await until('another millisecond begins', () => Date.now() >= since);
    const time = new Date(since - 1);
    await publish(app);
    await groups.createGroup('order.placed', 'billing', { startId: '$' });
    const replay = new ReplayOnNats(groups);
    await replay.replaySince(time, server.client);
    expect(await groups.getGroupInfo('order.placed', 'billing')).toMatchObject({ lag: 1 });
    await replay.replaySince(before, server.client);
    expect(await groups.getGroupInfo('order.placed', 'billing')).toMatchObject({ lag: 3 });
  });
});
