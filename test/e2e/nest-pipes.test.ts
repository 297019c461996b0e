import {
  Controller,
  Injectable,
  ParseIntPipe,
  UseFilters,
  UsePipes,
  type ArgumentMetadata,
  type ExceptionFilter,
  type PipeTransform,
} from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { RetryLaterError, StreamContext, StreamHandler } from 'nestjs-redis-streams';
import { throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OnEvent, startApp } from '../support/nest-app.js';
import { work } from '../support/passing-time.js';

const handled = { outcome: 'handled', attempt: 1 };
const rejected = { outcome: 'dead-lettered', attempt: 1, reason: 'rejected' };
const orderError = { name: 'OrderError', message: 'id must be a number' };

class OrderError extends Error {
  override name = 'OrderError';
}

/** In the manner of Nest's documentation for schemas: looks at the value alone, and copies it. */
@Injectable()
class OrderPipe implements PipeTransform {
  static seen: unknown[] = [];

  transform(value: unknown): unknown {
    OrderPipe.seen.push(value);
    const { id } = value as { id?: unknown };
    if (typeof id !== 'number') throw new OrderError('id must be a number');
    return { id, checked: true };
  }
}

function recorder() {
  const calls: unknown[][] = [];
  return { calls, record: (...args: unknown[]) => void calls.push(args) };
}

describe('a pipe that refuses a parameter', () => {
  it('dead-letters at the first attempt, with the original error', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload('count', ParseIntPipe) _count: number): void {}
    }
    const { outcome, deadLetter } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { count: 'many' })).toMatchObject(rejected);
    expect((await deadLetter()).error).toMatchObject({
      name: 'BadRequestException',
      message: 'Validation failed (numeric string is expected)',
    });
  });

  it('dead-letters the message of an @EventPattern method, too', async () => {
    @Controller()
    class Orders {
      @OnEvent('order')
      handle(@Payload('count', ParseIntPipe) _count: number): void {}
    }
    const { outcome, deadLetter } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { count: 'many' })).toMatchObject(rejected);
    expect((await deadLetter()).error).toMatchObject({ name: 'BadRequestException' });
  });

  it('passes on what it made of the payload', async () => {
    const { calls, record } = recorder();
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload('count', ParseIntPipe) count: number, @Ctx() context: StreamContext): void {
        record(count, context.attempt);
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { count: '12' })).toMatchObject(handled);
    expect(calls).toEqual([[12, 1]]);
  });

  it('may ask for a later run', async () => {
    class BusyPipe implements PipeTransform {
      transform(): never {
        throw new RetryLaterError(700);
      }
    }
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload(BusyPipe) _order: unknown): void {}
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', {})).toMatchObject({ outcome: 'retried', delay: 700 });
  });

  it('keeps the errors of runs apart that fail at the same time', async () => {
    class ReasonPipe implements PipeTransform {
      async transform(value: { wait: number; why?: string }): Promise<unknown> {
        for (let hop = 0; hop < value.wait; hop++) await Promise.resolve();
        if (value.why !== undefined) throw new Error(value.why);
        return value;
      }
    }
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload(ReasonPipe) _order: unknown): void {}
    }
    const { kit, outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { wait: 0 })).toMatchObject(handled);
    const reasons = Array.from({ length: 50 }, (_, index) => `reason ${index}`);
    await Promise.all(
      reasons.map((why, index) => kit.publish('order', { why, wait: (index * 7) % 11 })),
    );
    await kit.idle();
    for (const letter of await kit.deadLetters()) {
      expect(letter.error!.message).toBe((letter.payload as { why: string }).why);
    }
    expect(await kit.deadLetters()).toHaveLength(50);
  });
});

describe('pipes of the method, the class and the application', () => {
  it('a method pipe that judges any value sees the payload alone, and once', async () => {
    const { calls, record } = recorder();
    OrderPipe.seen = [];
    @Controller()
    class Orders {
      @StreamHandler('order')
      @UsePipes(new OrderPipe())
      handle(order: unknown): void {
        record(order);
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { id: 1 })).toMatchObject(handled);
    expect(await outcome('order', { id: 'x' })).toMatchObject({ ...rejected, error: orderError });
    expect(calls).toEqual([[{ id: 1, checked: true }]]);
    expect(OrderPipe.seen).toEqual([{ id: 1 }, { id: 'x' }]);
  });

  it('a method pipe above the decorator may stand beside @Ctx', async () => {
    const { calls, record } = recorder();
    @Controller()
    class Orders {
      @UsePipes(new OrderPipe())
      @StreamHandler('order')
      handle(@Payload() order: unknown, @Ctx() context: StreamContext): void {
        record(order, context.stream);
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { id: 1 })).toMatchObject(handled);
    expect(await outcome('order', { id: 'x' })).toMatchObject({ ...rejected, error: orderError });
    expect(calls).toEqual([[{ id: 1, checked: true }, 'order']]);
  });

  it('a pipe given as a class is made by Nest', async () => {
    const { calls, record } = recorder();
    @Controller()
    class Orders {
      @UsePipes(OrderPipe)
      @StreamHandler('order')
      handle(order: unknown, context: StreamContext): void {
        record(order, context.stream);
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { id: 1 })).toMatchObject(handled);
    expect(await outcome('order', { id: 'x' })).toMatchObject({ ...rejected, error: orderError });
    expect(calls).toEqual([[{ id: 1, checked: true }, 'order']]);
  });

  it('a pipe of the controller works on a property of the payload', async () => {
    const { calls, record } = recorder();
    @UsePipes(ParseIntPipe)
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload('count') count: number): void {
        record(count);
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { count: '3' })).toMatchObject(handled);
    expect(await outcome('order', { count: 'x' })).toMatchObject(rejected);
    expect(calls).toEqual([[3]]);
  });

  it('a global pipe that judges any value rejects what it means to, from the first message on', async () => {
    const { calls, record } = recorder();
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(order: unknown, context: StreamContext): void {
        record(order, context.attempt);
      }
    }
    const { outcome } = await startApp({
      controllers: [Orders],
      options: { maxDeliveries: 1 },
      configure: (app) => app.useGlobalPipes(new OrderPipe()),
    });
    expect(await outcome('order', { id: 'x' })).toMatchObject({ ...rejected, error: orderError });
    expect(await outcome('order', { id: 1 })).toMatchObject(handled);
    expect(await outcome('order', { id: 2 })).toMatchObject(handled);
    expect(await outcome('order', { id: 'x' })).toMatchObject({ ...rejected, error: orderError });
    expect(calls).toEqual([
      [{ id: 1, checked: true }, 1],
      [{ id: 2, checked: true }, 1],
    ]);
  });

  it('a failure of the method behind such a pipe is an ordinary one', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      @UsePipes(OrderPipe)
      handle(): void {
        throw new Error('no stock');
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { id: 1 })).toMatchObject({
      outcome: 'retried',
      error: { message: 'no stock' },
    });
  });

  it('keep the errors of their runs apart, however slow a filter is', async () => {
    class ReasonPipe implements PipeTransform {
      transform({ why }: { why: string }): never {
        throw new OrderError(why);
      }
    }
    const slow: ExceptionFilter = {
      catch: async (_error, host) => {
        await work(host.switchToRpc().getData<{ wait: number }>().wait);
        return throwError(() => 'translated');
      },
    };
    @Controller()
    class Orders {
      @StreamHandler('order')
      @UsePipes(ReasonPipe)
      @UseFilters(slow)
      handle(): void {}
    }
    const { kit } = await startApp({ controllers: [Orders] });
    await Promise.all(
      [9, 6, 3, 0].map((wait) => kit.publish('order', { why: `after ${wait}`, wait })),
    );
    await kit.idle();
    const letters = await kit.deadLetters();
    expect(letters).toHaveLength(4);
    for (const letter of letters) {
      expect(letter.error!.message).toBe((letter.payload as { why: string }).why);
    }
  });

  it('a global pipe that copies all that it sees does not take the context away', async () => {
    const { calls, record } = recorder();
    class CopyPipe implements PipeTransform {
      transform(value: unknown, { type }: ArgumentMetadata): unknown {
        return type === 'body' ? structuredClone(value) : String(value);
      }
    }
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(order: unknown, context?: StreamContext): void {
        record(order, context?.attempt);
        if ((order as { fail?: boolean }).fail) throw new Error('no stock');
      }
    }
    const { outcome } = await startApp({
      controllers: [Orders],
      configure: (app) => app.useGlobalPipes(new CopyPipe()),
    });
    expect(await outcome('order', { id: 1 })).toMatchObject(handled);
    expect(await outcome('order', { id: 2 })).toMatchObject(handled);
    expect(await outcome('order', { fail: true })).toMatchObject({
      outcome: 'retried',
      error: { message: 'no stock' },
    });
    expect(calls.slice(1)).toEqual([
      [{ id: 2 }, 1],
      [{ fail: true }, 1],
    ]);
  });

  it('a validating pipe is given the type of the payload, as without the decorator', async () => {
    const { calls, record } = recorder();
    class Order {
      declare id: number;
    }
    class TypedPipe implements PipeTransform {
      transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
        if (type === 'custom' || metatype === undefined) return value;
        record(type, metatype);
        if (typeof (value as Order).id !== 'number') throw new OrderError('id must be a number');
        return Object.assign(new Order(), value);
      }
    }
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload() order: Order, @Ctx() context: StreamContext): void {
        record(order instanceof Order, context.stream);
      }
    }
    const { outcome } = await startApp({
      controllers: [Orders],
      configure: (app) => app.useGlobalPipes(new TypedPipe()),
    });
    expect(await outcome('order', { id: 1 })).toMatchObject(handled);
    expect(await outcome('order', { id: 'x' })).toMatchObject({ ...rejected, error: orderError });
    expect(calls).toEqual([
      ['body', Order],
      [true, 'order'],
      ['body', Order],
    ]);
  });

  it('a global pipe sees each payload once, and nothing else', async () => {
    const { calls, record } = recorder();
    OrderPipe.seen = [];
    @Controller()
    class Orders {
      @StreamHandler('undecorated')
      undecorated(order: unknown, context: StreamContext): void {
        record(order, context.attempt);
      }

      @StreamHandler('payload')
      payload(@Payload() order: unknown): void {
        record(order);
      }

      @StreamHandler('both')
      both(@Ctx() context: StreamContext, @Payload() order: unknown): void {
        record(order, context.attempt);
      }

      @StreamHandler('context')
      context(@Ctx() context: StreamContext): void {
        record(context.attempt);
      }
    }
    const { publish } = await startApp({
      controllers: [Orders],
      configure: (app) => app.useGlobalPipes(new OrderPipe()),
    });
    for (const event of ['undecorated', 'payload', 'both', 'context']) {
      await publish(event, { id: 1 });
    }
    const order = { id: 1, checked: true };
    expect(calls).toEqual([[order, 1], [order], [order, 1], [1]]);
    expect(OrderPipe.seen).toEqual([{ id: 1 }, { id: 1 }, { id: 1 }]);
  });

  it('a pipe of the context itself is asked', async () => {
    const { calls, record } = recorder();
    class StreamPipe implements PipeTransform {
      transform(context: StreamContext): string {
        return context.stream;
      }
    }
    // Nest's types allow no pipe here, Nest itself does.
    const CtxThrough = Ctx as (pipe: typeof StreamPipe) => ParameterDecorator;
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@CtxThrough(StreamPipe) stream: string): void {
        record(stream);
      }
    }
    const { publish } = await startApp({ controllers: [Orders] });
    await publish('order', {});
    expect(calls).toEqual([['order']]);
  });
});
