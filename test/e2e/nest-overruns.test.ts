import 'reflect-metadata';
import { Controller, UseInterceptors, type NestInterceptor, type Type } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { EventBus } from 'nestjs-redis-streams/driver';
import { StreamHandler, type StreamHandlerOptions, type StreamsEvents } from 'nestjs-redis-streams';
import {
  catchError,
  EMPTY,
  map,
  NEVER,
  Observable,
  of,
  take,
  timeout,
  type OperatorFunction,
} from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OnEvent, startApp, type TestAppOptions } from '../support/nest-app.js';
import { gate } from '../support/engine.js';
import { wrongly } from '../support/stand-in.js';

type Operator = OperatorFunction<unknown, unknown>;

/** An interceptor that does this to what the method answers. */
function interceptor(...operators: Operator[]): Type<NestInterceptor> {
  return class implements NestInterceptor {
    intercept(_: unknown, next: { handle(): Observable<unknown> }) {
      return operators.reduce((stream, operator) => stream.pipe(operator), next.handle());
    }
  };
}

/** Gives up after 20 ms of real time, as Nest's documentation shows it. */
const givesUp = timeout(20) as Operator;
const unless = (fallback: unknown) => catchError(() => of(fallback)) as Operator;
const backoff = { delay: 10, jitter: 0 } as const;

/** An application whose method hangs for "stuck", until the test opens it. */
async function hanging(
  operators: Operator[],
  own: StreamHandlerOptions = {},
  more: TestAppOptions['options'] = {},
) {
  const stuck = gate();
  const runs: string[] = [];
  let running = 0;
  let most = 0;
  @Controller()
  @UseInterceptors(interceptor(...operators))
  class Orders {
    @StreamHandler('order', { backoff, ...own })
    async handle(@Payload() order: string) {
      runs.push(order);
      most = Math.max(most, ++running);
      if (order.startsWith('stuck')) await stuck.promise;
      running--;
    }
  }
  const test = await startApp({
    controllers: [Orders],
    options: { concurrency: 3, gracePeriod: 0, ...more },
  });
  onTestFinished(() => stuck.open());
  const events: StreamsEvents['overrun'][] = [];
  test.transport.on('overrun', (event) => events.push(event));
  const overran = (count: number) => expect.poll(() => events.length).toBe(count);
  return { ...test, stuck, runs, events, overran, most: () => most };
}

describe('a method that goes on after its stream', () => {
  it('has failed only when it has ended, where an interceptor gave it up', async () => {
    const { kit, stuck, runs, events, overran, transport } = await hanging([givesUp]);
    await kit.publish('order', 'stuck');
    await overran(1);
    await kit.advance(60_000);
    expect(runs).toEqual(['stuck']);
    expect(kit.settled).toEqual([]);
    expect(events).toMatchObject([
      { handler: 'Orders.handle', reason: 'stream-ended', slotGivenBack: true },
    ]);
    expect(transport.overruns).toMatchObject([{ handler: 'Orders.handle', runningFor: 60_000 }]);
    stuck.open();
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'retried', error: { name: 'TimeoutError' } }]);
    await kit.advance(10);
    await kit.idle();
    expect(kit.settled.at(-1)).toMatchObject({ outcome: 'handled' });
    expect(transport.overruns).toEqual([]);
  });

  it('has succeeded only when it has ended, where an interceptor had a fallback', async () => {
    const { kit, stuck, overran } = await hanging([givesUp, unless('later')]);
    await kit.publish('order', 'stuck');
    await overran(1);
    expect(kit.settled).toEqual([]);
    stuck.open();
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'handled' }]);
  });

  it('has failed by its timeout, and never runs beside itself', async () => {
    const { kit, stuck, overran, most } = await hanging([givesUp], { timeout: 1000 });
    await kit.publish('order', 'stuck');
    await overran(1);
    await kit.advance(1000);
    expect(kit.settled).toMatchObject([
      { outcome: 'retried', error: { name: 'HandlerTimeoutError' } },
    ]);
    await kit.advance(60_000);
    stuck.open();
    await kit.idle();
    expect(kit.settled.at(-1)).toMatchObject({ outcome: 'handled', attempt: 2 });
    expect(most()).toBe(1);
  });

  it('is a dead letter "timed-out" where that was its last run', async () => {
    const own = { timeout: 1000, maxDeliveries: 1 };
    const { kit, overran, deadLetter } = await hanging([givesUp], own);
    await kit.publish('order', 'stuck');
    await overran(1);
    await kit.advance(1000);
    await kit.idle();
    expect(await deadLetter()).toMatchObject({ reason: 'timed-out' });
  });

  it('gives its place to other messages', async () => {
    const { kit, overran, runs } = await hanging([givesUp]);
    for (const n of [1, 2, 3]) await kit.publish('order', `stuck ${n}`);
    await overran(3);
    await kit.publish('order', 'quick');
    await expect.poll(() => runs).toContain('quick');
  });

  it.each([
    ['concurrency 1', { concurrency: 1 }, {}],
    ['concurrency 1 of the transport', {}, { concurrency: 1 }],
    ['one key', { orderBy: () => 'k' }, {}],
  ] as const)('never makes two of %s', async (_, own, more) => {
    const { kit, stuck, overran, most } = await hanging([givesUp], own, more);
    for (const n of [1, 2, 3]) await kit.publish('order', `stuck ${n}`);
    await overran(1);
    await kit.advance(60_000);
    stuck.open();
    for (let turn = 0; turn < 20; turn++) await kit.advance(100);
    await kit.idle();
    expect(kit.settled.filter(({ outcome }) => outcome === 'handled')).toHaveLength(3);
    expect(most()).toBe(1);
  });

  it.each([
    ['@EventPattern', false],
    ['@StreamHandler behind a pre-request hook', true],
  ])('is awaited of a method with %s, too', async (_, hooked) => {
    const stuck = gate();
    const decorate = hooked ? StreamHandler : OnEvent;
    @Controller()
    @UseInterceptors(interceptor(givesUp))
    class Orders {
      @decorate('order', { backoff })
      handle() {
        return stuck.promise;
      }
    }
    const { kit, transport } = await startApp({
      controllers: [Orders],
      configure: (app) => hooked && app.registerPreRequestHook((_context, next) => next()),
    });
    const events: StreamsEvents['overrun'][] = [];
    transport.on('overrun', (event) => events.push(event));
    await kit.publish('order', 1);
    await expect.poll(() => events).toMatchObject([{ reason: 'stream-ended' }]);
    expect(kit.settled).toEqual([]);
    stuck.open();
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'retried', error: { name: 'TimeoutError' } }]);
  });

  it('is awaited where a pre-request hook gave it up', async () => {
    const stuck = gate();
    @Controller()
    class Orders {
      @StreamHandler('order', { backoff })
      handle() {
        return stuck.promise;
      }
    }
    const { kit, transport } = await startApp({
      controllers: [Orders],
      configure: (app) => app.registerPreRequestHook((_, next) => next().pipe(timeout(20))),
    });
    const events: StreamsEvents['overrun'][] = [];
    transport.on('overrun', (event) => events.push(event));
    await kit.publish('order', 1);
    await expect.poll(() => events).toMatchObject([{ reason: 'stream-ended' }]);
    stuck.open();
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'retried', error: { name: 'TimeoutError' } }]);
  });

  it('is not told of where it ends with its stream', async () => {
    const { publish, kit, events } = await hanging([take(1) as Operator]);
    await publish('order', 'quick');
    expect(kit.settled).toMatchObject([{ outcome: 'handled' }]);
    expect(events).toEqual([]);
  });

  it('also where the application has a middleware that gives handlers up', async () => {
    const race: NonNullable<TestAppOptions['options']>['middleware'] = [
      (delivery, next) => Promise.race([next(delivery), Promise.reject(new Error('too slow'))]),
    ];
    const { kit, stuck, overran } = await hanging([], {}, { middleware: race });
    await kit.publish('order', 'stuck');
    await overran(1);
    expect(kit.settled).toEqual([]);
    stuck.open();
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'retried', error: { message: 'too slow' } }]);
  });

  it('is awaited for batches too', async () => {
    const stuck = gate();
    @Controller()
    @UseInterceptors(interceptor(givesUp))
    class Orders {
      @StreamHandler('order', { batch: { size: 2, maxWait: 0 }, backoff })
      handle() {
        return stuck.promise;
      }
    }
    const { kit, transport } = await startApp({ controllers: [Orders] });
    const events: StreamsEvents['overrun'][] = [];
    transport.on('overrun', (event) => events.push(event));
    await kit.publish('order', 1);
    await kit.publish('order', 2);
    await kit.advance(1);
    await expect.poll(() => events).toMatchObject([{ messages: 2, slotGivenBack: true }]);
    expect(kit.settled).toEqual([]);
    stuck.open();
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'retried' }, { outcome: 'retried' }]);
  });
});

describe('an Observable', () => {
  /** Observed by `@StreamHandler`, and not observed. */
  const decorators = [
    ['@StreamHandler', (own: object) => StreamHandler('order', own)],
    ['@EventPattern', (own: object) => OnEvent('order', own)],
  ] as const;

  it.each(decorators)('of %s is unsubscribed at the timeout', async (_, decorate) => {
    const subscribed: number[] = [];
    @Controller()
    class Orders {
      @decorate({ timeout: 100, maxDeliveries: 1 })
      handle(@Payload() order: number) {
        return new Observable(() => {
          subscribed.push(order);
          return () => void subscribed.splice(subscribed.indexOf(order), 1);
        });
      }
    }
    const { kit, deadLetter, transport } = await startApp({ controllers: [Orders] });
    await kit.publish('order', 1);
    await expect.poll(() => subscribed).toEqual([1]);
    await kit.advance(100);
    await kit.idle();
    expect(subscribed).toEqual([]);
    expect(await deadLetter()).toMatchObject({ reason: 'timed-out' });
    expect(transport.overruns).toEqual([]);
  });

  it.each(decorators)('of %s is unsubscribed at the end of a shutdown', async (_, decorate) => {
    let ended = false;
    @Controller()
    class Orders {
      @decorate({})
      handle() {
        return new Observable(() => () => void (ended = true));
      }
    }
    const { app, kit } = await startApp({ controllers: [Orders], options: { gracePeriod: 0 } });
    await kit.publish('order', 1);
    await kit.advance(0);
    const closed = app.close();
    await kit.advance(20_000);
    await closed;
    expect(ended).toBe(true);
  });

  it('is unsubscribed when its message is lost to another consumer', async () => {
    let ended = false;
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle() {
        return new Observable(() => () => void (ended = true));
      }
    }
    const { kit } = await startApp({ controllers: [Orders], options: { idleTimeout: 1000 } });
    await kit.publish('order', 1);
    await kit.advance(100);
    const driver = kit.source.open({ events: new EventBus(), keyPrefix: '' });
    const subscription = await driver.source.subscribe({
      streams: ['order'],
      group: 'test',
      consumer: 'another',
      startId: '0',
      blockTimeout: 1000,
      idleTimeout: 1,
      reclaimInterval: 10,
    });
    const pulled = subscription.pull(1);
    await kit.advance(10);
    expect(await pulled).toHaveLength(1);
    expect(ended).toBe(false);
    await kit.advance(500);
    expect(ended).toBe(true);
    await driver.source.close();
  });

  it('that ends in time is not touched', async () => {
    @Controller()
    @UseInterceptors(interceptor(map((value) => value) as Operator))
    class Orders {
      @StreamHandler('order', { timeout: 100 })
      handle(@Payload() order: string) {
        return order === 'never' ? NEVER : order === 'none' ? EMPTY : of(1, 2);
      }
    }
    const { kit, publish } = await startApp({ controllers: [Orders] });
    await publish('order', 'none');
    await publish('order', 'some');
    await kit.advance(1000);
    expect(kit.settled).toMatchObject([{ outcome: 'handled' }, { outcome: 'handled' }]);
  });
});

describe('a thrown promise, or thenable, that never settles', () => {
  // Typed as what the linter lets be thrown.
  const never = wrongly<Error>(new Promise(() => undefined));
  // oxlint-disable-next-line unicorn/no-thenable -- what is tested
  const thenable = wrongly<Error>({ then: () => undefined });

  it.each([
    [
      'thrown promise',
      () => {
        throw never;
      },
    ],
    [
      'thrown thenable',
      () => {
        throw thenable;
      },
    ],
    ['rejected promise', () => Promise.reject(never)],
    ['rejected thenable', () => Promise.reject(thenable)],
    ['failing Observable', () => new Observable((subscriber) => subscriber.error(never))],
  ])('fails the run: %s', async (_, handle) => {
    @Controller()
    class Orders {
      @StreamHandler('order', { maxDeliveries: 1 })
      plain(): unknown {
        return handle();
      }

      @OnEvent('unobserved', { maxDeliveries: 1 })
      unobserved(): unknown {
        return handle();
      }

      @StreamHandler('intercepted', { maxDeliveries: 1 })
      @UseInterceptors(interceptor(map((value) => value) as Operator))
      intercepted(): unknown {
        return handle();
      }

      @StreamHandler('batched', { maxDeliveries: 1, batch: { size: 1 } })
      batched(): unknown {
        return handle();
      }
    }
    const { kit, publish } = await startApp({ controllers: [Orders] });
    for (const event of ['order', 'unobserved', 'intercepted', 'batched']) await publish(event, 1);
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(Array(4).fill('dead-lettered'));
  });
});
