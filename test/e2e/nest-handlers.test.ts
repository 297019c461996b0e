import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  RetryLaterError,
  StreamContext,
  StreamHandler,
  UnrecoverableError,
} from 'nestjs-redis-streams';
import { concat, defer, EMPTY, from, of, throwError, timer, mergeMap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OnEvent, startApp } from '../support/nest-app.js';
import { work } from '../support/passing-time.js';
import { wrongly } from '../support/stand-in.js';

/** One handler whose body the test gives. */
async function running(body: (context: StreamContext) => unknown, options = {}) {
  @Controller()
  class Orders {
    @StreamHandler('order', options)
    handle(@Payload() _order: unknown, @Ctx() context: StreamContext): unknown {
      return body(context);
    }
  }
  return startApp({ controllers: [Orders] });
}

describe('what a method returns', () => {
  let done: string[];
  const late = async () => {
    await work(5);
    done.push('done');
  };

  it.each([
    ['nothing', () => undefined],
    ['a value', () => ({ any: 'thing' })],
    ['a promise', () => Promise.resolve(1)],
    ['an observable of some values', () => of(1, 2)],
    ['an empty observable', () => EMPTY],
    ['a promise of an observable', () => Promise.resolve(of(1))],
  ])('%s is a success', async (_what, body) => {
    const { outcome } = await running(body);
    expect(await outcome('order', {})).toMatchObject({ outcome: 'handled' });
  });

  it.each([
    ['a promise', () => late()],
    ['an observable', () => concat(of(1), from(late()))],
    ['a promise of an observable', async () => defer(late)],
  ])('%s is awaited to its end', async (_what, body) => {
    done = [];
    const { outcome } = await running(body);
    expect(await outcome('order', {})).toMatchObject({ outcome: 'handled' });
    expect(done).toEqual(['done']);
  });

  const error = new Error('no stock');
  it.each([
    [
      'throws',
      () => {
        throw error;
      },
    ],
    ['rejects', () => Promise.reject(error)],
    ['fails as an observable', () => throwError(() => error)],
    ['fails late as an observable', () => timer(2).pipe(mergeMap(() => throwError(() => error)))],
    [
      'fails after some values',
      () =>
        concat(
          of(1),
          throwError(() => error),
        ),
    ],
    ['fails as a promise of an observable', async () => throwError(() => error)],
  ])('%s: the run has failed', async (_how, body) => {
    const { outcome } = await running(body);
    expect(await outcome('order', {})).toMatchObject({
      outcome: 'retried',
      error: { name: 'Error', message: 'no stock' },
    });
  });

  it('something else than an error fails the run too', async () => {
    const { outcome } = await running(() => Promise.reject(wrongly<Error>('text')));
    expect(await outcome('order', {})).toMatchObject({
      outcome: 'retried',
      error: { message: 'text' },
    });
  });
});

describe('control of what becomes of the message', () => {
  it('UnrecoverableError dead-letters at once', async () => {
    const { outcome } = await running(() => {
      throw new UnrecoverableError('no such order');
    });
    expect(await outcome('order', {})).toMatchObject({
      outcome: 'dead-lettered',
      reason: 'unrecoverable',
      attempt: 1,
    });
  });

  it('RetryLaterError sets the wait', async () => {
    const { outcome } = await running(() => Promise.reject(new RetryLaterError(1234)));
    expect(await outcome('order', {})).toMatchObject({ outcome: 'retried', delay: 1234 });
  });

  it('isUnrecoverable is asked about the original error', async () => {
    const asked: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(): void {
        throw new RangeError('too many');
      }
    }
    const { outcome } = await startApp({
      controllers: [Orders],
      options: { isUnrecoverable: (error) => asked.push(error) > 0 && error instanceof RangeError },
    });
    expect(await outcome('order', {})).toMatchObject({ reason: 'unrecoverable' });
    expect(asked).toEqual([new RangeError('too many')]);
  });

  it('context.retry asks for another run after a success', async () => {
    const attempts: number[] = [];
    const { kit, outcome } = await running((context) => {
      attempts.push(context.attempt);
      if (context.attempt < 3) context.retry(500);
    });
    expect(await outcome('order', {})).toMatchObject({ outcome: 'retried', delay: 500 });
    await kit.advance(499);
    expect(attempts).toEqual([1]);
    await kit.advance(1);
    await kit.idle();
    await kit.advance(500);
    await kit.idle();
    expect(attempts).toEqual([1, 2, 3]);
    expect(kit.settled.at(-1)).toMatchObject({ outcome: 'handled', attempt: 3 });
  });

  it('context.retry stands where the run fails', async () => {
    const { outcome } = await running((context) => {
      context.retry(500);
      throw new Error('busy');
    });
    expect(await outcome('order', {})).toMatchObject({
      outcome: 'retried',
      delay: 500,
      error: { message: 'busy' },
    });
  });

  it('context.retry counts towards maxDeliveries', async () => {
    const { outcome } = await running((context) => context.retry(1), { maxDeliveries: 1 });
    expect(await outcome('order', {})).toMatchObject({ reason: 'max-deliveries' });
  });

  it('context.retry refuses what is no time', async () => {
    const { outcome } = await running((context) => context.retry(Number.NaN));
    expect(await outcome('order', {})).toMatchObject({ error: { name: 'InvalidOptionsError' } });
  });

  it('context.deadLetter gives its own reason', async () => {
    const { outcome, deadLetter } = await running((context) => context.deadLetter('cancelled'));
    expect(await outcome('order', { id: 7 })).toMatchObject({
      outcome: 'dead-lettered',
      reason: 'cancelled',
    });
    expect(await deadLetter()).toMatchObject({ reason: 'cancelled', payload: { id: 7 } });
  });

  it('a run over its timeout has failed, and is told by the signal', async () => {
    let aborted: unknown;
    const { kit, publish } = await running(
      async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        aborted = signal.reason;
      },
      { timeout: 100 },
    );
    const published = publish('order', {});
    await expect.poll(() => kit.settled.length === 0).toBe(true);
    await kit.advance(100);
    await published;
    expect(aborted).toMatchObject({ name: 'HandlerTimeoutError' });
    expect(kit.settled).toMatchObject([{ error: { name: 'HandlerTimeoutError' } }]);
  });
});

describe('what a method is given', () => {
  it('the context of the run', async () => {
    const given: StreamContext[] = [];
    const { kit } = await running((context) => given.push(context));
    const id = await kit.publish('order', { id: 1 }, { metadata: { tenant: 'a' } });
    await kit.idle();
    const [context] = given as [StreamContext];
    const message = {
      id,
      stream: 'order',
      eventType: 'order',
      payload: { id: 1 },
      metadata: { tenant: 'a' },
    };
    expect(context).toMatchObject({
      message,
      stream: 'order',
      id,
      group: 'test',
      attempt: 1,
      metadata: { tenant: 'a' },
    });
    expect(context.consumer).toContain(String(process.pid));
    expect(context.signal.aborted).toBe(false);
    expect(context.getPattern()).toBe('order');
    expect(context.getMessage()).toMatchObject(message);
    expect([context.getStream(), context.getId(), context.getGroup()]).toEqual([
      'order',
      id,
      'test',
    ]);
    expect([context.getAttempt(), context.getMetadata()]).toEqual([1, { tenant: 'a' }]);
    expect([context.getConsumer(), context.getSignal()]).toEqual([
      context.consumer,
      context.signal,
    ]);
    expect(context.getArgs()).toEqual([context.message, 'order', 'test', context.consumer]);
    expect(context.getArgByIndex(1)).toBe('order');
  });

  it('payload and context, where it has no parameter decorators', async () => {
    const calls: unknown[][] = [];
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(...args: unknown[]): void {
        calls.push(args);
      }

      @StreamHandler('refund')
      refund(payload: unknown, context = 'default'): void {
        calls.push([payload, context]);
      }
    }
    const { publish } = await startApp({ controllers: [Orders] });
    await publish('order', { id: 1 });
    await publish('refund', { id: 2 });
    expect(calls).toEqual([
      [{ id: 1 }, expect.any(StreamContext)],
      [{ id: 2 }, expect.any(StreamContext)],
    ]);
  });

  it('exactly its parameters, in any order', async () => {
    const calls: unknown[][] = [];
    @Controller()
    class Orders {
      @StreamHandler('first')
      contextFirst(@Ctx() context: StreamContext, @Payload('id') id: number): void {
        calls.push([context.stream, id]);
      }

      @StreamHandler('second')
      counting(@Payload() _order: unknown): void {
        calls.push([arguments.length]);
      }
    }
    const { publish } = await startApp({ controllers: [Orders] });
    await publish('first', { id: 1 });
    await publish('second', { id: 2 });
    expect(calls).toEqual([['first', 1], [1]]);
  });

  it('what it declares itself, where it overrides a method without decorators', async () => {
    const calls: unknown[][] = [];
    class Base {
      @StreamHandler('base')
      handle(..._args: unknown[]): void {}
    }
    @Controller()
    class Orders extends Base {
      @StreamHandler('order')
      override handle(@Ctx() context: StreamContext, @Payload('id') id: number): void {
        calls.push([context.stream, id]);
      }
    }
    const { publish } = await startApp({ controllers: [Orders] });
    await publish('order', { id: 1 });
    expect(calls).toEqual([['order', 1]]);
  });

  it('what others pass who call it directly', () => {
    class Orders {
      @StreamHandler('order')
      add(@Payload() a: number, b = 2): number {
        return a + b;
      }

      @StreamHandler('refund')
      both(@Payload() a: number, @Ctx() context: StreamContext): unknown[] {
        return [a, context];
      }
    }
    const orders = new Orders();
    expect(orders.add(1)).toBe(3);
    expect(orders.add(1, 5)).toBe(6);
    expect(orders.both(1, 'context' as never)).toEqual([1, 'context']);
    expect([orders.add.name, orders.add.length]).toEqual(['add', 1]);
  });
});

describe('@EventPattern', () => {
  it('is fed by the transport, in its group or the one of its extras', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @OnEvent('order')
      handle(@Payload() order: unknown, @Ctx() context: StreamContext): void {
        seen.push([context.group, order]);
      }

      @OnEvent('order', { group: 'audit', maxDeliveries: 1, unrelated: true })
      audit(@Payload('id') id: number, @Ctx() context: StreamContext): void {
        seen.push([context.group, id]);
        throw new Error('no stock');
      }

      @OnEvent('created', { stream: 'orders' })
      created(@Ctx() context: StreamContext): void {
        seen.push(context.stream);
      }
    }
    const { kit, publish, transport } = await startApp({ controllers: [Orders] });
    expect([...transport.getHandlers().keys()].sort()).toEqual(['created', 'order']);
    await publish('order', { id: 1 });
    await publish('created', {}, { stream: 'orders' });
    expect(seen).toContainEqual(['test', { id: 1 }]);
    expect(seen).toContainEqual(['audit', 1]);
    expect(seen).toContain('orders');
    const handlers = kit.settled.map(({ handler, outcome }) => [handler, outcome]);
    expect(handlers).toContainEqual(["@EventPattern('order')", 'dead-lettered']);
  });

  it('takes a pattern that is an object by the text that Nest makes of it', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @OnEvent({ cmd: 'order' })
      handle(order: unknown): void {
        seen.push(order);
      }
    }
    const { publish } = await startApp({ controllers: [Orders] });
    await publish('{"cmd":"order"}', { id: 1 });
    expect(seen).toEqual([{ id: 1 }]);
  });
});
