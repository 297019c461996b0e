import {
  Controller,
  SetMetadata,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';
import { catchError, EMPTY, of, tap, throwError, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { startApp } from '../support/nest-app.js';

class ForbiddenTenant extends Error {
  override name = 'ForbiddenTenant';
}

const guard = (canActivate: CanActivate['canActivate']): CanActivate => ({ canActivate });

describe('a guard', () => {
  it('sees the context, the class and the metadata of the method', async () => {
    const seen: unknown[] = [];
    const look = guard((execution: ExecutionContext) => {
      const context = execution.switchToRpc().getContext<StreamContext>();
      seen.push(execution.getType(), execution.getClass(), context.stream);
      seen.push(execution.switchToRpc().getData(), execution.getHandler().name);
      seen.push(new Reflector().get('roles', execution.getHandler()));
      return true;
    });
    @Controller()
    class Orders {
      @SetMetadata('roles', ['clerk'])
      @StreamHandler('order')
      @UseGuards(look)
      handle(): void {}
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { id: 1 })).toMatchObject({ outcome: 'handled' });
    expect(seen).toEqual(['rpc', Orders, 'order', { id: 1 }, 'handle', ['clerk']]);
  });

  it('that throws fails the run, which is repeated: it is no rejection of the payload', async () => {
    const calls: string[] = [];
    @Controller()
    class Orders {
      @StreamHandler('order')
      @UseGuards(guard(() => Promise.reject(new ForbiddenTenant('tenant a'))))
      handle(@Payload() _order: unknown): void {
        calls.push('handle');
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', {})).toMatchObject({
      outcome: 'retried',
      error: { name: 'ForbiddenTenant', message: 'tenant a' },
    });
    expect(calls).toEqual([]);
  });

  it('that says no fails the run', async () => {
    @Controller()
    class Orders {
      @UseGuards(guard(() => false))
      @StreamHandler('order')
      handle(): void {}
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', {})).toMatchObject({
      outcome: 'retried',
      error: { message: 'Forbidden resource' },
    });
  });

  it('whose failures a filter swallows does not leave its errors to later runs', async () => {
    const swallow = {
      catch: (error: Error) => (error instanceof ForbiddenTenant ? EMPTY : throwError(() => error)),
    };
    const admit = guard((execution) => {
      const { forbidden } = execution.switchToRpc().getData<{ forbidden?: boolean }>();
      if (forbidden) throw new ForbiddenTenant('swallowed');
      return true;
    });
    @Controller()
    class Orders {
      @UseGuards(admit)
      @StreamHandler('order')
      async handle({ why, wait }: { why?: string; wait: number }): Promise<void> {
        for (let hop = 0; hop < wait; hop++) await Promise.resolve();
        if (why !== undefined) throw new Error(why);
      }
    }
    const { kit } = await startApp({
      controllers: [Orders],
      options: { maxDeliveries: 1 },
      providers: [{ provide: APP_FILTER, useValue: swallow }],
    });
    const orders = Array.from({ length: 60 }, (_, index) =>
      index % 2 === 0 ? { forbidden: true, wait: 0 } : { why: `reason ${index}`, wait: index % 7 },
    );
    await Promise.all(orders.map((order) => kit.publish('order', order)));
    await kit.idle();
    const letters = await kit.deadLetters();
    expect(letters).toHaveLength(30);
    for (const letter of letters) {
      expect(letter.error!.message).toBe((letter.payload as { why: string }).why);
    }
  });
});

describe('an interceptor', () => {
  const intercept = (work: (next: CallHandler, context: ExecutionContext) => Observable<unknown>) =>
    ({ intercept: (context, next) => work(next, context) }) satisfies NestInterceptor;

  it('runs around the method, and sees its result', async () => {
    const seen: unknown[] = [];
    const around = intercept((next) => {
      seen.push('before');
      return next.handle().pipe(tap((result) => seen.push(result)));
    });
    @Controller()
    class Orders {
      @UseInterceptors(around)
      @StreamHandler('order')
      async handle(order: unknown): Promise<unknown> {
        seen.push(order);
        return 'result';
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', { id: 1 })).toMatchObject({ outcome: 'handled' });
    expect(seen).toEqual(['before', { id: 1 }, 'result']);
  });

  it('that recovers makes a success of the run', async () => {
    const recover = intercept((next) => next.handle().pipe(catchError(() => of('recovered'))));
    @Controller()
    class Orders {
      @UseInterceptors(recover)
      @StreamHandler('order')
      async handle(): Promise<void> {
        throw new Error('no stock');
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', {})).toMatchObject({ outcome: 'handled' });
  });

  it('that fails before the method is an ordinary failure', async () => {
    const fail = intercept(() => {
      throw new Error('no connection');
    });
    @Controller()
    class Orders {
      @UseInterceptors(fail)
      @StreamHandler('order')
      handle(@Payload() _order: unknown): void {}
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', {})).toMatchObject({
      outcome: 'retried',
      error: { message: 'no connection' },
    });
  });

  it('keeps the errors of runs apart that fail at the same time', async () => {
    const around = intercept((next) => next.handle());
    @Controller()
    class Orders {
      @UseInterceptors(around)
      @StreamHandler('order')
      async handle({ why, wait }: { why: string; wait: number }): Promise<void> {
        for (let hop = 0; hop < wait; hop++) await Promise.resolve();
        throw new Error(why);
      }
    }
    const { kit } = await startApp({ controllers: [Orders], options: { maxDeliveries: 1 } });
    const orders = Array.from({ length: 50 }, (_, index) => ({
      why: `reason ${index}`,
      wait: (index * 7) % 11,
    }));
    await Promise.all(orders.map((order) => kit.publish('order', order)));
    await kit.idle();
    const letters = await kit.deadLetters();
    expect(letters).toHaveLength(50);
    for (const letter of letters) {
      expect(letter.error!.message).toBe((letter.payload as { why: string }).why);
    }
  });
});

describe('global enhancers', () => {
  const enhancers = (seen: string[]) => ({
    guard: guard(() => seen.push('guard') > 0),
    interceptor: {
      intercept: (_context: ExecutionContext, next: CallHandler) => {
        seen.push('interceptor');
        return next.handle();
      },
    },
    pipe: {
      transform: (value: unknown, { type }: { type: string }) => {
        if (type === 'body') seen.push('pipe');
        return value;
      },
    },
    filter: {
      catch: (error: Error) => {
        seen.push(`filter ${error.message}`);
        return throwError(() => error);
      },
    },
  });
  const all = ['guard', 'interceptor', 'pipe', 'method', 'filter no stock'];

  function controller(seen: string[]) {
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(@Payload() _order: unknown): void {
        seen.push('method');
        throw new Error('no stock');
      }
    }
    return Orders;
  }

  it('apply as set on the application', async () => {
    const seen: string[] = [];
    const { guard: g, interceptor, pipe, filter } = enhancers(seen);
    const { outcome } = await startApp({
      controllers: [controller(seen)],
      configure: (app) =>
        app
          .useGlobalGuards(g)
          .useGlobalInterceptors(interceptor)
          .useGlobalPipes(pipe)
          .useGlobalFilters(filter),
    });
    expect(await outcome('order', {})).toMatchObject({ outcome: 'retried' });
    expect(seen).toEqual(all);
  });

  it('apply as provided by a module', async () => {
    const seen: string[] = [];
    const { guard: g, interceptor, pipe, filter } = enhancers(seen);
    const { outcome } = await startApp({
      controllers: [controller(seen)],
      providers: [
        { provide: APP_GUARD, useValue: g },
        { provide: APP_INTERCEPTOR, useValue: interceptor },
        { provide: APP_PIPE, useValue: pipe },
        { provide: APP_FILTER, useValue: filter },
      ],
    });
    expect(await outcome('order', {})).toMatchObject({ outcome: 'retried' });
    expect(seen).toEqual(all);
  });
});
