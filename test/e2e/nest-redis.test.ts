import { Controller, Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, Ctx, Payload, type AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  DeadLetters,
  InvalidOptionsError,
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamContext,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsTransport,
  UnrecoverableError,
} from 'nestjs-redis-streams';
import { Redis } from 'ioredis';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { appModule } from '../support/nest-app.js';
import { testRedis, type TestRedis } from '../support/redis.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis.cleanup());

let spaces = 0;
/** Options for a key space of the test's own. */
const options = () => ({
  url: redis.url,
  keyPrefix: `${redis.prefix}${++spaces}:`,
  group: 'test',
  blockTimeout: 200,
});

@Controller()
class Orders {
  static seen: unknown[] = [];

  @StreamHandler('order')
  async handle(@Payload() order: { id: number }, @Ctx() context: StreamContext): Promise<void> {
    Orders.seen.push([order, context.metadata, context.attempt]);
    if (order.id < 0) throw new UnrecoverableError('no such order');
  }
}

const arrived = () => expect.poll(() => Orders.seen, { timeout: 5000 });

describe('the Redis module', () => {
  it('feeds, publishes and keeps dead letters; found by either name', async () => {
    Orders.seen = [];
    @Injectable()
    class Shop {
      constructor(
        readonly redisClient: RedisStreamsClient,
        readonly client: StreamsClient,
        readonly publisher: StreamPublisher<{ order: { id: number } }>,
      ) {}
    }
    const module = appModule({
      imports: [RedisStreamsModule.forRootAsync({ useFactory: async () => options() })],
      controllers: [Orders],
      providers: [Shop],
    });
    const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(module, {
      inject: [RedisStreamsTransport],
      useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
      logger: false,
    });
    onTestFinished(() => app.close());
    await app.listen();
    expect(app.get(StreamsTransport)).toBe(app.get(RedisStreamsTransport));
    expect(app.get(RedisStreamsTransport)).toBeInstanceOf(RedisStreamsTransport);
    const { client, redisClient, publisher } = app.get(Shop);
    expect(redisClient).toBe(client);
    expect(client).toBeInstanceOf(RedisStreamsClient);
    expect(client.unwrap()).toBeInstanceOf(Redis);
    await lastValueFrom(client.emit('order', { id: 1 }));
    await arrived().toHaveLength(1);
    const id = await publisher.publish('order', { id: -1 }, { metadata: { tenant: 'a' } });
    await arrived().toEqual([
      [{ id: 1 }, {}, 1],
      [{ id: -1 }, { tenant: 'a' }, 1],
    ]);
    const deadLetters = app.get(DeadLetters);
    await expect
      .poll(async () => (await deadLetters.list('order')).items)
      .toMatchObject([
        { id, reason: 'unrecoverable', payload: { id: -1 }, error: { message: 'no such order' } },
      ]);
  });

  it('makes a hybrid application', async () => {
    Orders.seen = [];
    const module = appModule({
      imports: [RedisStreamsModule.forRoot(options())],
      controllers: [Orders],
    });
    const app = await NestFactory.create(module, { logger: false });
    onTestFinished(() => app.close());
    app.connectMicroservice(
      { strategy: app.get(RedisStreamsTransport) },
      { inheritAppConfig: true },
    );
    await app.startAllMicroservices();
    await app.get(StreamPublisher).publish('order', { id: 2 });
    await arrived().toEqual([[{ id: 2 }, {}, 1]]);
  });

  it('refuses wrong options, all at once', async () => {
    const wrong = { url: 'http://localhost', group: '', isGlobal: true };
    const starting = NestFactory.createApplicationContext(
      appModule({ imports: [RedisStreamsModule.forRoot(wrong)] }),
      { logger: false, abortOnError: false },
    );
    await expect(starting).rejects.toMatchObject({
      problems: [expect.stringMatching(/group/), expect.stringMatching(/url/)],
    });
  });
});

describe('by themselves', () => {
  it('the Redis transport and a client of ClientsModule work together', async () => {
    Orders.seen = [];
    const shared = options();
    const strategy = new RedisStreamsTransport(shared);
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy,
      logger: false,
    });
    onTestFinished(() => app.close());
    await app.listen();
    const { url, keyPrefix } = shared;
    const clients = ClientsModule.register([
      { name: 'ORDERS', customClass: RedisStreamsClient, options: { url, keyPrefix } },
    ]);
    const other = await NestFactory.createApplicationContext(appModule({ imports: [clients] }), {
      logger: false,
    });
    onTestFinished(() => other.close());
    other.get<RedisStreamsClient>('ORDERS').emit('order', { id: 3 });
    await arrived().toEqual([[{ id: 3 }, {}, 1]]);
  });

  it('refuse wrong options', () => {
    expect(() => new RedisStreamsTransport({ url: 'nowhere' })).toThrow(InvalidOptionsError);
    expect(() => new RedisStreamsClient({ url: 'nowhere' })).toThrow(InvalidOptionsError);
  });

  it('the transport closes its connections', async () => {
    const strategy = new RedisStreamsTransport(options());
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy,
      logger: false,
    });
    await app.listen();
    const client = strategy.unwrap<Redis>();
    expect(client.status).toBe('ready');
    await app.close();
    await expect.poll(() => client.status).toBe('end');
  });

  it('publishing fails in bounded time where Redis is down, and says what became of it', async () => {
    const nowhere = { url: 'redis://127.0.0.1:1', commandTimeout: 200 };
    const client = new RedisStreamsClient(nowhere);
    onTestFinished(() => client.close());
    await expect(lastValueFrom(client.emit('order', 1))).rejects.toMatchObject({
      code: 'REDIS_CONNECTION',
      outcome: 'not-sent',
    });
    const transport = new RedisStreamsTransport({ ...nowhere, connectTimeout: 200 });
    const app = await NestFactory.createMicroservice(appModule({ controllers: [Orders] }), {
      strategy: transport,
      logger: false,
    });
    await expect(app.listen()).rejects.toMatchObject({ code: 'REDIS_CONNECTION' });
    await app.close();
  });
});
