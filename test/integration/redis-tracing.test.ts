import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  fanOut,
  next,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTracingModule } from 'nestjs-redis-streams/tracing';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { appModule } from '../support/nest-app.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { recordTraces, traceIdOf } from '../support/traces.js';
import { until } from '../support/until.js';

const traces = recordTraces();
let server: TestRedis;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

@Controller()
class Orders {
  @StreamHandler('order', { backoff: { delay: 1, jitter: 0 } })
  order(_: unknown, { attempt }: { readonly attempt: number }) {
    if (attempt === 1) throw new RangeError('not yet');
    return fanOut([next('pay', 1), next('pack', 2)], { join: 'ship' });
  }

  @StreamHandler('pay')
  pay() {
    return 'paid';
  }

  @StreamHandler('pack')
  pack() {
    return 'packed';
  }

  @StreamHandler('ship')
  ship() {
    return undefined;
  }
}

it('traces a message over Redis: retries, branches and their join, settled by scripts', async () => {
  const streams = RedisStreamsModule.forRoot({
    url: server.url,
    keyPrefix: server.prefix,
    group: 'orders',
    blockTimeout: 200,
  });
  const imports = [streams, StreamsTracingModule.forRoot()];
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
    appModule({ imports, controllers: [Orders] }),
    {
      inject: [RedisStreamsTransport],
      useFactory: (strategy: StreamsTransport) => ({ strategy }),
      logger: false,
    },
  );
  onTestFinished(() => app.close());
  await app.listen();
  await app.get(StreamPublisher).publish('order', { id: 1 });
  await until(
    'all spans are recorded',
    () => traces.spans().length === 11,
    15_000,
    () => traces.tree().join('; '),
  );
  const tree = traces.tree().filter((line) => !line.includes('ship'));
  expect(tree).toEqual([
    'process order > ack order',
    'process order > process pack',
    'process order > process pay',
    'process order > retry order',
    'process pack > ack pack',
    'process pay > ack pay',
    'send order',
    'send order > process order',
    'send order > process order',
  ]);
  expect(traces.one('process ship').parentSpanContext).toBeDefined();
  expect(new Set(traces.spans().map(traceIdOf)).size).toBe(1);
  expect(traces.one('ack ship').attributes).toMatchObject({
    'messaging.system': 'redis',
    'messaging.consumer.group.name': 'orders',
    'messaging.operation.type': 'settle',
  });
});
