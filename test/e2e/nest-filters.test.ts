import {
  ArgumentsHost,
  Catch,
  Controller,
  Logger,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type ExceptionFilter,
  type NestInterceptor,
} from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { StreamHandler, UnrecoverableError } from 'nestjs-redis-streams';
import { catchError, defer, EMPTY, map, of, Subject, throwError, type Observable } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OnEvent, startApp } from '../support/nest-app.js';
import { work } from '../support/passing-time.js';

class StockError extends Error {
  override name = 'StockError';
}
class OtherError extends Error {}

@Catch(StockError)
class Swallow implements ExceptionFilter {
  catch(): Observable<never> {
    return EMPTY;
  }
}

/** Answers something else for everything. */
@Catch()
class Translate implements ExceptionFilter {
  catch(): Observable<never> {
    return throwError(() => new Error('translated'));
  }
}

const failedWith = (name: string, message: string) => ({
  outcome: 'retried',
  error: { name, message },
});

describe.each(['method above', 'method below', 'controller', 'global'] as const)(
  'an exception filter: %s',
  (place) => {
    const nothing = (): void => undefined;
    const at = (where: string, filter: ExceptionFilter) =>
      (place === where ? UseFilters(filter) : nothing) as MethodDecorator & ClassDecorator;

    async function run(filter: ExceptionFilter, fail: () => unknown) {
      @at('controller', filter)
      @Controller()
      class Orders {
        @at('method above', filter)
        @StreamHandler('order')
        @at('method below', filter)
        handle(): unknown {
          return fail();
        }
      }
      const { outcome } = await startApp({
        controllers: [Orders],
        configure: (app) => place === 'global' && app.useGlobalFilters(filter),
      });
      return outcome('order', { id: 1 });
    }

    it('that makes a value of the error makes a success of the run', async () => {
      const fail = () => Promise.reject(new StockError('none left'));
      expect(await run(new Swallow(), fail)).toMatchObject({ outcome: 'handled' });
    });

    it('that throws another error leaves a failure, recorded with the original one', async () => {
      const fail = () => Promise.reject(new StockError('none left'));
      expect(await run(new Translate(), fail)).toMatchObject(failedWith('StockError', 'none left'));
    });

    it('does not hide that no later run can help', async () => {
      const fail = () => {
        throw new UnrecoverableError('no such order');
      };
      expect(await run(new Translate(), fail)).toMatchObject({
        outcome: 'dead-lettered',
        reason: 'unrecoverable',
        error: { name: 'UnrecoverableError', message: 'no such order' },
      });
    });

    it('for other errors does not matter', async () => {
      @Catch(OtherError)
      class Others extends Translate {}
      const fail = () => throwError(() => new StockError('none left'));
      expect(await run(new Others(), fail)).toMatchObject(failedWith('StockError', 'none left'));
    });
  },
);

describe('the original error', () => {
  it("is recorded where only Nest's own filter translated it", async () => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      async handle(): Promise<void> {
        throw new RpcException('no stock');
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', {})).toMatchObject(failedWith('Error', 'no stock'));
  });

  it('is what an interceptor made of it', async () => {
    const interceptor: NestInterceptor = {
      intercept: (_context, next) =>
        next.handle().pipe(
          map(() => {
            throw new StockError('after the handler');
          }),
        ),
    };
    @Controller()
    class Orders {
      @UseInterceptors(interceptor)
      @UseFilters(new Translate())
      @StreamHandler('order')
      handle(): string {
        return 'done';
      }
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', {})).toMatchObject(failedWith('StockError', 'after the handler'));
  });

  interface Order {
    readonly why: string;
    readonly wait: number;
    readonly swallow?: boolean;
  }

  /** Four runs that a guard refuses, with filters of different length: each keeps its own cause. */
  async function expectToldApart(filter: ExceptionFilter): Promise<void> {
    const refuse: CanActivate = {
      canActivate: (execution) => {
        throw new StockError(execution.switchToRpc().getData<Order>().why);
      },
    };
    @Controller()
    class Orders {
      @UseGuards(refuse)
      @UseFilters(filter)
      @StreamHandler('order')
      handle(): void {}
    }
    const { kit } = await startApp({ controllers: [Orders], options: { maxDeliveries: 1 } });
    await Promise.all(
      [9, 6, 3, 0].map((wait) => kit.publish('order', { why: `after ${wait}`, wait })),
    );
    await kit.idle();
    const letters = await kit.deadLetters();
    expect(letters).toHaveLength(4);
    for (const letter of letters) {
      expect(letter.error!.message).toBe((letter.payload as Order).why);
    }
  }

  /** Takes its time, and lets some errors pass as successes. */
  @Catch()
  class Slow implements ExceptionFilter {
    async catch(_error: unknown, host: ArgumentsHost): Promise<Observable<unknown>> {
      const { wait, swallow } = host.switchToRpc().getData<Order>();
      await work(wait % 5);
      return swallow ? of('fine') : throwError(() => 'translated');
    }
  }

  async function failLater({ wait, why }: Order): Promise<never> {
    for (let hop = 0; hop < wait; hop++) await Promise.resolve();
    throw new Error(why);
  }

  it.each([
    ['promise', failLater],
    ['observable', (order: Order) => defer(() => failLater(order))],
    [
      'throw',
      ({ why }: Order) => {
        throw new Error(why);
      },
    ],
  ])('is told apart for runs that fail together, by %s', async (_how, fail) => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      @UseFilters(new Slow())
      handle(order: Order): unknown {
        return fail(order);
      }
    }
    const { kit } = await startApp({ controllers: [Orders], options: { maxDeliveries: 1 } });
    const orders = Array.from({ length: 60 }, (_, index) => ({
      why: `reason ${index}`,
      wait: (index * 7) % 11,
      swallow: index % 4 === 0,
    }));
    await Promise.all(orders.map((order) => kit.publish('order', order)));
    await kit.idle();
    const letters = await kit.deadLetters();
    expect(letters).toHaveLength(45);
    for (const letter of letters) {
      expect(letter.error!.message).toBe((letter.payload as Order).why);
    }
  });

  const others = () => throwError(() => 'translated');

  it('is not mixed up with one that a slow filter still looks at', async () => {
    const translate: NestInterceptor = {
      intercept: (_context, next) =>
        next
          .handle()
          .pipe(catchError(({ message }: Error) => throwError(() => new Error(message)))),
    };
    const sometimesSlow: ExceptionFilter = {
      catch: (_error, host) => {
        const { wait } = host.switchToRpc().getData<Order>();
        return wait > 0 ? work(wait).then(others) : others();
      },
    };
    @Controller()
    class Orders {
      @UseInterceptors(translate)
      @UseFilters(sometimesSlow)
      @StreamHandler('order')
      handle({ why }: Order): never {
        throw new StockError(why);
      }
    }
    const { kit } = await startApp({ controllers: [Orders], options: { maxDeliveries: 1 } });
    const orders = Array.from({ length: 20 }, (_, index) => ({
      why: `reason ${index}`,
      wait: index === 0 ? 5 : 0,
    }));
    await Promise.all(orders.map((order) => kit.publish('order', order)));
    await kit.idle();
    const letters = await kit.deadLetters();
    expect(letters).toHaveLength(20);
    for (const letter of letters) {
      expect(letter.error!.message).toBe((letter.payload as Order).why);
    }
  });

  it('is told apart where a slow filter passes it on', async () => {
    const passOn: ExceptionFilter = {
      catch: async (error, host) => {
        await work(host.switchToRpc().getData<Order>().wait);
        return throwError(() => error as Error);
      },
    };
    await expectToldApart(passOn);
  });

  it('is not that of a run long ago, which an interceptor failed and a filter forgave', async () => {
    let interceptorFails = true;
    const failing: NestInterceptor = {
      intercept: (_context, next) =>
        next.handle().pipe(
          map(() => {
            if (interceptorFails) throw new StockError('forgiven');
          }),
        ),
    };
    const guard: CanActivate = {
      canActivate: () => {
        if (!interceptorFails) throw new OtherError('refused');
        return true;
      },
    };
    @Controller()
    class Orders {
      @UseGuards(guard)
      @UseInterceptors(failing)
      @UseFilters({ catch: others }, new Swallow())
      @StreamHandler('order')
      handle(): void {}
    }
    const { outcome } = await startApp({ controllers: [Orders] });
    expect(await outcome('order', {})).toMatchObject({ outcome: 'handled' });
    interceptorFails = false;
    expect(await outcome('order', {})).toMatchObject({ error: { message: 'refused' } });
  });

  it.each(['guard', 'method'] as const)(
    'of a run that a filter forgave in its %s is not taken for that of a later one',
    async (place) => {
      const fail = ({ why }: Order, where: 'guard' | 'method') => {
        if (why === 'forgiven' && where === place) throw new StockError(why);
        if (why === 'refused' && where === 'guard') throw new OtherError(why);
      };
      const guard: CanActivate = {
        canActivate: (execution) => {
          fail(execution.switchToRpc().getData(), 'guard');
          return true;
        },
      };
      let end = (): void => undefined;
      const ended = new Promise<void>((resolve) => (end = resolve));
      @Controller()
      class Orders {
        @UseGuards(guard)
        @UseFilters({ catch: others }, new Swallow())
        @StreamHandler('order')
        async handle(order: Order): Promise<void> {
          if (order.why === 'long') await ended;
          fail(order, 'method');
        }
      }
      const { kit } = await startApp({ controllers: [Orders] });
      for (const why of ['long', 'forgiven', 'refused']) {
        await kit.publish('order', { why });
        if (why !== 'long') await expect.poll(() => kit.settled.at(-1)?.id).toBeDefined();
      }
      await expect.poll(() => kit.settled).toHaveLength(2);
      end();
      expect(kit.settled).toMatchObject([
        { outcome: 'handled' },
        { outcome: 'retried', error: { message: 'refused' } },
      ]);
    },
  );

  it('of runs that fail together outside of the method is told apart, however long filters take', async () => {
    const slow: ExceptionFilter = {
      catch: async (_error, host) => {
        await work(host.switchToRpc().getData<Order>().wait);
        return others();
      },
    };
    await expectToldApart(slow);
  });

  it.each(['method', 'guard', 'interceptor'] as const)(
    'of an @EventPattern method is recorded, thrown by its %s',
    async (place) => {
      const failIn = (where: string): true => {
        if (where === place) throw new UnrecoverableError('no stock');
        return true;
      };
      @Controller()
      class Orders {
        @UseGuards({ canActivate: () => failIn('guard') })
        @UseInterceptors({
          intercept: (_context, next) => next.handle().pipe(map(() => failIn('interceptor'))),
        })
        @UseFilters(new Translate())
        @OnEvent('order')
        handle(): void {
          failIn('method');
        }
      }
      const { outcome } = await startApp({ controllers: [Orders] });
      expect(await outcome('order', {})).toMatchObject({
        outcome: 'dead-lettered',
        reason: 'unrecoverable',
        error: { message: 'no stock' },
      });
    },
  );

  it('is recorded where the application has a pre-request hook', async () => {
    @Controller()
    class Orders {
      @UseFilters(new Translate())
      @StreamHandler('order')
      handle(): never {
        throw new StockError('none left');
      }
    }
    const { outcome } = await startApp({
      controllers: [Orders],
      configure: (app) => app.registerPreRequestHook((_context, next) => next()),
    });
    expect(await outcome('order', {})).toMatchObject(failedWith('StockError', 'none left'));
  });

  it('is that of the run, not of another run that its Observable is told by', async () => {
    const stopped = new Subject<never>();
    const waiting: string[] = [];
    @Controller()
    class Orders {
      @UseFilters(new Translate())
      @StreamHandler('waits')
      waits(): Observable<never> {
        waiting.push('waits');
        return stopped;
      }

      @UseFilters(new Translate())
      @StreamHandler('stops')
      stops(): never {
        stopped.error(new StockError('stopped'));
        throw new StockError('stops');
      }
    }
    const { kit } = await startApp({ controllers: [Orders], options: { maxDeliveries: 1 } });
    await kit.publish('waits', {});
    await expect.poll(() => waiting).toHaveLength(1);
    await kit.publish('stops', {});
    await kit.idle();
    const told = kit.settled.map(({ eventType, error }) => [eventType, error?.message]);
    expect(Object.fromEntries(told)).toEqual({ stops: 'stops', waits: 'stopped' });
  });
});

describe('the line with a stack that Nest writes for each failed run', () => {
  /** As docs/events.md shows it. */
  @Catch()
  class LeaveToTransport implements ExceptionFilter {
    catch(error: unknown): Observable<never> {
      return throwError(() => error);
    }
  }

  it.each([
    ['is there without a filter', undefined, 1],
    ['is not there with a filter that passes errors on', new LeaveToTransport(), 0],
  ])('%s', async (_, filter, lines) => {
    @Controller()
    class Orders {
      @StreamHandler('order')
      handle(): void {
        throw new StockError('none left');
      }
    }
    const { outcome } = await startApp({
      controllers: [Orders],
      configure: (app) => filter && app.useGlobalFilters(filter),
    });
    let written = 0;
    const count = (...args: unknown[]) => {
      if (args.at(-1) === 'RpcExceptionsHandler') written++;
    };
    const nothing = (): void => undefined;
    Logger.overrideLogger({ log: nothing, warn: nothing, error: count });
    onTestFinished(() => Logger.overrideLogger(false));
    expect(await outcome('order', {})).toMatchObject(failedWith('StockError', 'none left'));
    expect(written).toBe(lines);
  });
});
