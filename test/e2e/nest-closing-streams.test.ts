import { Controller, type INestApplicationContext, type NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import {
  LoadBalancedHandler,
  LoadBalancer,
  LoadBalancerModule,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { concat, defer, from, ignoreElements, lastValueFrom, map, mergeMap, of } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gate } from '../support/engine.js';
import { appModule, createApp, OnEvent, startApp } from '../support/nest-app.js';
import { inAllSlots } from '../support/in-all-slots.js';

type Close = () => Promise<unknown>;

/** Each makes the call while it is subscribed to, or before. */
const AT_ONCE: Record<string, (close: Close) => unknown> = {
  'defer(() => close())': (close) => defer(() => close()),
  'defer(async () => …)': (close) => defer(async () => void (await close())),
  'from(close())': (close) => from(close()),
  'of(1).pipe(mergeMap(() => close()))': (close) => of(1).pipe(mergeMap(() => close())),
  'from an async generator': (close) =>
    from(
      (async function* () {
        await close();
        yield 1;
      })(),
    ),
  'a promise of an Observable': async (close) => defer(() => close()),
};

/** Makes the call in a turn of its own, when nothing of the run is on the stack. */
const later = (close: Close) => from(Promise.resolve(1)).pipe(mergeMap(() => close()));

const passing: NestInterceptor = {
  intercept: (_, next) => next.handle().pipe(map((value: unknown) => value)),
};

let handle: () => unknown;

@Controller()
class Orders {
  @StreamHandler('handler')
  handler() {
    return handle();
  }

  @StreamHandler('batch', { batch: { size: 1, maxWait: 1 } })
  batch() {
    return handle();
  }

  @OnEvent('event')
  event() {
    return handle();
  }

  @MessagePattern('request')
  request() {
    const result = handle();
    if (result instanceof Promise) return result;
    return concat(from(result as Promise<unknown>).pipe(ignoreElements()), of('answer'));
  }
}

async function start(hybrid: boolean, intercepted: boolean) {
  const module = appModule({
    imports: [StreamsModule.forRoot({ slots: inAllSlots(memory()), group: 'test' })],
    controllers: [Orders],
    providers: intercepted ? [{ provide: APP_INTERCEPTOR, useValue: passing }] : [],
  });
  const app: INestApplicationContext = hybrid ? await startHybrid(module) : await listening(module);
  const outcomes: string[] = [];
  app.get(StreamsTransport).on('settled', ({ outcome }) => outcomes.push(outcome));
  return { app, outcomes };
}

async function listening(module: new () => object) {
  const app = await createApp(module);
  await app.listen();
  return app;
}

async function startHybrid(module: new () => object) {
  const app = await NestFactory.create(module, { logger: false });
  app.connectMicroservice({ strategy: app.get(StreamsTransport) }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  return app.init();
}

describe.each([
  { hybrid: false, intercepted: false },
  { hybrid: true, intercepted: true },
])('hybrid: $hybrid, interceptor: $intercepted', ({ hybrid, intercepted }) => {
  describe.each(Object.entries(AT_ONCE))('%s', (_, form) => {
    it.each(['handler', 'batch', 'event', 'request'])(
      'of app.close(), returned by a method (%s), resolves, and its message is settled',
      async (event) => {
        const { app, outcomes } = await start(hybrid, intercepted);
        let resolved = false;
        handle = () => form(() => app.close().then(() => (resolved = true)));
        const answer =
          event === 'request' && lastValueFrom(app.get(StreamsClient).send('request', 'x'));
        if (!answer) await app.get(StreamPublisher).publish(event, 'x');
        await expect.poll(() => outcomes).toEqual(['handled']);
        await app.close();
        expect(resolved).toBe(true);
      },
    );
  });
});

/** What is beside the method with the call: "asks" does not wait for it, "waits" does. */
async function twoThatCall(asks: (close: Close, work: Promise<void>) => unknown) {
  const [work, both] = [gate(), gate()];
  const log: string[] = [];
  @Controller()
  class Two {
    @StreamHandler('asks')
    async asks() {
      both.open();
      return asks(() => app.close(), work.promise);
    }

    @StreamHandler('waits')
    async waits() {
      await both.promise;
      await app.close();
      log.push('resolved');
    }
  }
  const providers = [{ provide: APP_INTERCEPTOR, useValue: passing }];
  const { app, kit } = await startApp({ controllers: [Two], providers });
  await kit.publish('waits', 1);
  await kit.publish('asks', 1);
  await kit.advance(500);
  return { kit, log, work };
}

it('a method behind interceptors that calls app.close(), and does not wait, is waited for', async () => {
  const { kit, log, work } = await twoThatCall(async (close, until) => {
    void close();
    await until;
  });
  expect(log).toEqual([]);
  work.open();
  await kit.advance(500);
  expect(log).toEqual(['resolved']);
});

it('a call that an Observable makes counts as awaited', async () => {
  const { kit, log, work } = await twoThatCall((close, until) =>
    defer(() => {
      void close();
      return until;
    }),
  );
  expect(log).toEqual(['resolved']);
  work.open();
  await kit.advance(500);
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled', 'handled']);
});

it('a call made later by an Observable is not found: its run is told of after a second', async () => {
  @Controller()
  class Late {
    @StreamHandler('order', { maxDeliveries: 1 })
    handle() {
      return later(() => app.close());
    }
  }
  const options = { gracePeriod: 30_000 };
  const { app, kit, transport } = await startApp({ controllers: [Late], options });
  const told: unknown[] = [];
  transport.on('runs-awaited', ({ runs }) => told.push(runs));
  transport.on('runs-given-up', ({ runs }) => told.push(runs));
  const id = await kit.publish('order', 1);
  await kit.advance(999);
  expect(told).toEqual([]);
  await kit.advance(1);
  const runs = [{ stream: 'order', id, eventType: 'order', handler: 'Late.handle' }];
  expect(told).toEqual([runs]);
  await kit.advance(29_000);
  expect(told).toEqual([runs, runs]);
});

it.each(['close', 'release', 'doneStream'] as const)(
  'the Observable of an owned stream may await %s',
  async (call) => {
    let ended = false;
    @Controller()
    class Sessions {
      @LoadBalancedHandler({ service: 'sessions' })
      handle() {
        return defer(() => make().then(() => (ended = true)));
      }
    }
    const { app, kit } = await startApp({
      imports: [LoadBalancerModule.forRoot({ service: 'sessions', consumerId: 'a' })],
      controllers: [Sessions],
    });
    onTestFinished(() => app.close());
    const balancer = app.get(LoadBalancer);
    const make = (): Promise<unknown> => {
      if (call === 'close') return app.close();
      return call === 'release' ? balancer.release() : balancer.doneStream('one');
    };
    await balancer.addStream('one');
    await kit.idle();
    await kit.publish('event', 1, { stream: 'one' });
    await expect.poll(() => kit.settled.map(({ outcome }) => outcome)).toEqual(['handled']);
    expect(ended).toBe(true);
    expect(balancer.streams()).toEqual([]);
  },
);
