import { Controller, type INestApplicationContext, type NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import {
  EventPattern,
  MessagePattern,
  Payload,
  type AsyncMicroserviceOptions,
} from '@nestjs/microservices';
import {
  RedisStreamsModule,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
  type SettledEvent,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { lastValueFrom, map } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate } from '../support/engine.js';
import { appModule } from '../support/nest-app.js';
import { quiet, work } from '../support/passing-time.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { inAllSlots } from '../support/in-all-slots.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis.cleanup());

let spaces = 0;
const BACKENDS = {
  memory: () => StreamsModule.forRoot({ slots: inAllSlots(memory()), group: 'test' }),
  Redis: () =>
    RedisStreamsModule.forRoot({
      url: redis.url,
      keyPrefix: `${redis.prefix}${++spaces}:`,
      group: 'test',
      blockTimeout: 200,
    }),
};

const passing: NestInterceptor = {
  intercept: (_, next) => next.handle().pipe(map((value: unknown) => value)),
};

/** Of each run, what it is told. */
let handle: (payload: string) => Promise<unknown>;

@Controller()
class Orders {
  @StreamHandler('handler')
  async handler(@Payload() payload: string): Promise<void> {
    await handle(payload);
  }

  @StreamHandler('batch', { batch: { size: 1, maxWait: 1 } })
  async batch(@Payload() [payload]: string[]): Promise<void> {
    await handle(payload!);
  }

  @EventPattern('event')
  async event(@Payload() payload: string): Promise<void> {
    await handle(payload);
  }

  @MessagePattern('request')
  async request(@Payload() payload: string): Promise<string> {
    await handle(payload);
    return 'answer';
  }
}

interface Given {
  readonly backend: keyof typeof BACKENDS;
  readonly hybrid: boolean;
  readonly intercepted?: boolean;
}

async function start({ backend, hybrid, intercepted }: Given) {
  const module = appModule({
    imports: [BACKENDS[backend]()],
    controllers: [Orders],
    providers: intercepted ? [{ provide: APP_INTERCEPTOR, useValue: passing }] : [],
  });
  const app = hybrid ? await startHybrid(module) : await startMicroservice(module);
  const settled: SettledEvent[] = [];
  app.get(StreamsTransport).on('settled', (event) => settled.push(event));
  return {
    app,
    publish: (event: string, payload: string) => app.get(StreamPublisher).publish(event, payload),
    outcomes: () => settled.map(({ outcome }) => outcome),
  };
}

async function startHybrid(module: new () => object): Promise<INestApplicationContext> {
  const app = await NestFactory.create(module, { logger: false });
  app.connectMicroservice({ strategy: app.get(StreamsTransport) }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  return app.init();
}

async function startMicroservice(module: new () => object): Promise<INestApplicationContext> {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(module, {
    inject: [StreamsTransport],
    useFactory: (strategy: StreamsTransport) => ({ strategy }),
    logger: false,
  });
  await app.listen();
  return app;
}

describe.each<Given>([
  { backend: 'memory', hybrid: false },
  { backend: 'memory', hybrid: false, intercepted: true },
  { backend: 'memory', hybrid: true },
  { backend: 'memory', hybrid: true, intercepted: true },
  { backend: 'Redis', hybrid: false },
  { backend: 'Redis', hybrid: true, intercepted: true },
])('app.close() on $backend, hybrid: $hybrid, interceptor: $intercepted', (given) => {
  const events = ['handler', 'batch', 'event', 'request'];

  it.each(events)(
    'awaited in a method (%s) resolves, and its message is settled',
    async (event) => {
      const { app, publish, outcomes } = await start(given);
      const log: string[] = [];
      handle = async () => {
        await work(5);
        await app.close();
        log.push('resolved');
      };
      if (event === 'request') {
        const answer = lastValueFrom(app.get(StreamsClient).send<string>('request', 'x'));
        log.push(await answer);
      } else {
        await publish(event, 'x');
      }
      await expect.poll(outcomes).toEqual(['handled']);
      await app.close();
      expect(log).toEqual(['resolved', ...(event === 'request' ? ['answer'] : [])]);
    },
  );

  it('waits for the methods that do not call it', async () => {
    const { app, publish, outcomes } = await start(given);
    const [slow, both] = [gate(), gate()];
    const log: string[] = [];
    let running = 0;
    handle = async (payload) => {
      if (++running === 2) both.open();
      await both.promise;
      if (payload === 'slow') await slow.promise;
      else await app.close();
      log.push(payload);
    };
    await publish('handler', 'slow');
    await publish('handler', 'closes');
    await both.promise;
    await quiet(30);
    expect(log).toEqual([]);
    slow.open();
    await expect.poll(outcomes).toEqual(['handled', 'handled']);
    expect(log).toEqual(['slow', 'closes']);
    await app.close();
  });
});

describe.each(['memory', 'Redis'] as const)('on %s', (backend) => {
  it('of app.close() within and outside, each resolves, and the message is settled before the one outside', async () => {
    const { app, publish, outcomes } = await start({ backend, hybrid: false });
    const [begun, go, rest] = [gate(), gate(), gate()];
    const log: string[] = [];
    handle = async () => {
      begun.open();
      await go.promise;
      await app.close();
      log.push('within');
      await rest.promise;
    };
    await publish('handler', 'x');
    await begun.promise;
    const outside = app.close().then(() => log.push(`outside: ${outcomes().join()}`));
    go.open();
    await expect.poll(() => log).toEqual(['within']);
    rest.open();
    await outside;
    expect(log).toEqual(['within', 'outside: handled']);
  });

  it('a method may end the subscription that it is called by', async () => {
    const { app, publish, outcomes } = await start({ backend, hybrid: false });
    const transport = app.get(StreamsTransport);
    handle = () => transport.unsubscribe('handler');
    await publish('handler', 'x');
    await expect.poll(outcomes).toEqual(['handled']);
    await app.close();
  });
});
