import {
  ClassSerializerInterceptor,
  Controller,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import {
  fanOut,
  next,
  StreamHandler,
  WorkflowInstruction,
  type StreamHandlerOptions,
  type StreamsEvents,
} from 'nestjs-redis-streams';
import {
  catchError,
  concatMap,
  finalize,
  map,
  of,
  retry,
  throwError,
  timer,
  type Observable,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { startApp, type TestAppOptions } from '../support/nest-app.js';

const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve));

/** Around the first step alone: the others answer nothing that could be changed. */
const around = (change: (stream: Observable<unknown>) => Observable<unknown>): NestInterceptor => ({
  intercept: (context: ExecutionContext, handler: CallHandler<unknown>) =>
    context.getHandler().name === 'first' ? change(handler.handle()) : handler.handle(),
});

/** An application whose `first` answers this, and whose other steps are noted with their payloads. */
async function chainOf(
  first: () => unknown,
  { handler = {}, ...given }: TestAppOptions & { readonly handler?: StreamHandlerOptions } = {},
) {
  const ran: [string, unknown][] = [];
  @Controller()
  class Steps {
    @StreamHandler('first', handler)
    first(): unknown {
      return first();
    }
    @StreamHandler('second')
    second(payload: unknown): void {
      ran.push(['second', payload]);
    }
    @StreamHandler('joined')
    joined(payload: unknown): void {
      ran.push(['joined', payload]);
    }
  }
  const app = await startApp({ controllers: [Steps], ...given });
  const warnings: StreamsEvents['warning'][] = [];
  app.transport.on('warning', (warning) => warnings.push(warning));
  const ignored: StreamsEvents['instruction-ignored'][] = [];
  app.transport.on('instruction-ignored', (event) => ignored.push(event));
  return { ...app, ran, warnings, ignored };
}

const mapped = {
  provide: APP_INTERCEPTOR,
  useValue: around((s) => s.pipe(map((data) => ({ data })))),
};

describe('an instruction that an interceptor has replaced', () => {
  it.each([
    ['an instruction', () => next('second', 1)],
    ['a promise of one', () => Promise.resolve(next('second', 1))],
    ['an Observable whose last value is one', () => of('before', next('second', 1))],
    ['a promise of such an Observable', () => Promise.resolve(of(next('second', 1)))],
    ['a list', () => [next('second', 1)]],
    ['a fan-out', () => fanOut([next('second', 1)])],
    ['an instance of the class', () => new WorkflowInstruction('second', 1)],
  ])('counts as the method returned it: %s', async (_what, first) => {
    const { publish, ran } = await chainOf(first, { providers: [mapped] });
    await publish('first', {});
    expect(ran).toEqual([['second', 1]]);
  });

  it('counts behind ClassSerializerInterceptor, which makes plain objects of instances', async () => {
    const transformerPackage = {
      classToPlain: (instance: unknown) => ({ ...(instance as object) }),
      plainToInstance: <T>(_class: unknown, plain: unknown) => plain as T,
    };
    const serializer = {
      provide: APP_INTERCEPTOR,
      inject: [Reflector],
      useFactory: (reflector: Reflector) =>
        new ClassSerializerInterceptor(reflector, { transformerPackage }),
    };
    const { publish, ran } = await chainOf(() => next('second', 1), { providers: [serializer] });
    await publish('first', {});
    expect(ran).toEqual([['second', 1]]);
  });

  it('gives way to an instruction that leaves the interceptors', async () => {
    const other = around((stream) => stream.pipe(map(() => next('second', 'other'))));
    const { publish, ran } = await chainOf(() => next('second', 'own'), {
      configure: (app) => app.useGlobalInterceptors(other),
    });
    await publish('first', {});
    expect(ran).toEqual([['second', 'other']]);
  });

  it('is not published where the stream fails afterwards', async () => {
    const commit = around((stream) =>
      stream.pipe(concatMap(() => throwError(() => new Error('cannot commit')))),
    );
    const { publish, ran, kit } = await chainOf(() => next('second'), {
      configure: (app) => app.useGlobalInterceptors(commit),
    });
    await publish('first', {});
    expect(ran).toEqual([]);
    expect(kit.settled).toMatchObject([
      { outcome: 'retried', error: { message: 'cannot commit' } },
    ]);
  });

  it('is that of the last call, where an interceptor calls the method again', async () => {
    let calls = 0;
    const again = around((stream) =>
      stream.pipe(
        retry(2),
        map((data) => ({ data })),
      ),
    );
    const { publish, ran } = await chainOf(
      () => {
        if (++calls === 1) throw new Error('once');
        return next('second', calls);
      },
      { configure: (app) => app.useGlobalInterceptors(again) },
    );
    await publish('first', {});
    expect(ran).toEqual([['second', 2]]);
  });

  it('is that of the last call also where the calls before had succeeded', async () => {
    let calls = 0;
    const twice = around((stream) =>
      stream.pipe(
        concatMap(() => stream),
        map((data) => ({ data })),
      ),
    );
    const { publish, ran } = await chainOf(() => next('second', ++calls), {
      configure: (app) => app.useGlobalInterceptors(twice),
    });
    await publish('first', {});
    expect(ran).toEqual([['second', 2]]);
  });

  it('is none where the last call failed and something else was answered', async () => {
    let calls = 0;
    const fallback = around((stream) =>
      stream.pipe(
        concatMap(() => stream),
        catchError(() => of('fallback')),
      ),
    );
    const { publish, ran, kit } = await chainOf(
      async () => {
        if (++calls === 2) throw new Error('the second time');
        return next('second');
      },
      { configure: (app) => app.useGlobalInterceptors(fallback) },
    );
    await publish('first', {});
    expect(calls).toBe(2);
    expect(ran).toEqual([]);
    expect(kit.settled).toMatchObject([{ outcome: 'handled' }]);
  });

  it('is awaited, though the interceptors have answered before', async () => {
    let end!: (result: unknown) => void;
    let answered = false;
    const early = around((stream) => {
      stream.subscribe();
      return timer(0).pipe(
        map(() => 'early'),
        finalize(() => (answered = true)),
      );
    });
    const { kit, ran } = await chainOf(() => new Promise((resolve) => (end = resolve)), {
      configure: (app) => app.useGlobalInterceptors(early),
    });
    await kit.publish('first', {});
    while (!answered) await turnOfTheLoop();
    // What the answer has set off has happened.
    for (let turn = 0; turn < 10; turn++) await turnOfTheLoop();
    end(next('second', 1));
    await kit.idle();
    expect(ran).toEqual([['second', 1]]);
  });
});

describe('a result that only looks like an instruction', () => {
  const page = { next: 'second', payload: 7 };

  it.each([
    ['an object', () => page],
    ['a list', () => [page]],
    ['a copy of an instruction', () => ({ ...(next('second', 7) as object) })],
  ])('publishes nothing, is counted, and warned of once: %s', async (_what, first) => {
    const { publish, ran, ignored, warnings, kit } = await chainOf(first);
    const id = await publish('first', {});
    await publish('first', {});
    expect(ran).toEqual([]);
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled', 'handled']);
    expect(ignored).toHaveLength(2);
    expect(ignored[0]).toEqual({
      stream: 'first',
      group: 'test',
      id,
      handler: 'Steps.first',
      next: 'second',
    });
    expect(warnings.map(({ code }) => code)).toEqual(['PLAIN_INSTRUCTION']);
    expect(warnings[0]!.message).toContain('Steps.first');
    expect(warnings[0]!.message).toContain('plainInstructions');
  });

  it.each([
    ['the handler', { handler: { plainInstructions: true } }],
    ['the transport', { options: { plainInstructions: true } }],
  ])('chains where %s says so', async (_where, given) => {
    const { publish, ran, ignored } = await chainOf(() => page, given);
    await publish('first', {});
    expect(ran).toEqual([['second', 7]]);
    expect(ignored).toEqual([]);
  });

  it('does not chain where the handler says no and the transport yes', async () => {
    const { publish, ran } = await chainOf(() => page, {
      handler: { plainInstructions: false },
      options: { plainInstructions: true },
    });
    await publish('first', {});
    expect(ran).toEqual([]);
  });

  it('is seen behind an interceptor, too', async () => {
    const { publish, ran, ignored } = await chainOf(() => page, { providers: [mapped] });
    await publish('first', {});
    expect(ran).toEqual([]);
    expect(ignored).toHaveLength(1);
  });

  it('is not told of where an interceptor has made it of an instruction', async () => {
    const plain = around((stream) => stream.pipe(map((made) => ({ ...(made as object) }))));
    const { publish, ran, ignored } = await chainOf(() => next('second', 1), {
      configure: (app) => app.useGlobalInterceptors(plain),
    });
    await publish('first', {});
    expect(ran).toEqual([['second', 1]]);
    expect(ignored).toEqual([]);
  });

  it.each([
    ['an object that has more', { next: 'second', payload: 1, extra: true }],
    ['an object whose next is no text', { next: { url: '/page/2' } }],
  ])('is not told of where it does not: %s', async (_what, result) => {
    const { publish, ran, ignored } = await chainOf(() => result);
    await publish('first', {});
    expect([ran, ignored]).toEqual([[], []]);
  });
});

describe('an instruction that can never be published', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  it.each([
    ['a delay that is a text', () => next('second', {}, { delay: '5000' as never })],
    ['a negative delay', () => next('second', {}, { delay: -1 })],
    ['a delay beside a time', () => next('second', {}, { delay: 1, deliverAt: 2e12 })],
    ['a time that is none', () => next('second', {}, { deliverAt: new Date('x') })],
    ['a payload over the limit', () => next('second', 'x'.repeat(2_000_000))],
    ['a payload without JSON', () => next('second', circular)],
    ['a BigInt', () => next('second', { n: 1n })],
    ['metadata that is no text', () => next('second', {}, { metadata: { n: 1 as never } })],
    ['a pattern', () => next('all.*')],
    ['no event type', () => next('')],
    ['a stream without a name', () => next({ stream: '', event: 'second' })],
    ['a stream that is no text', () => next({ stream: 7 as never, event: 'second' })],
    ['a step among others', () => [next('second'), next('second', circular)]],
    ['an empty fan-out', () => fanOut([])],
    ['a join that is a pattern', () => fanOut([next('second')], { join: 'all.*' })],
    ['a hook that is a pattern', () => next('second', {}, { onFailure: 'all.*' })],
    ['a hook of a fan-out that is one', () => fanOut([next('second')], { onFailure: 'all.*' })],
    ['a plain one', () => ({ next: 'second', delay: 'soon' })],
  ])('dead-letters its message at once: %s', async (_what, first) => {
    let runs = 0;
    const count = (): unknown => {
      runs++;
      return first();
    };
    const { publish, ran, deadLetter } = await chainOf(count, {
      options: { plainInstructions: true },
    });
    await publish('first', {});
    const { reason, attempts, error } = await deadLetter();
    expect([reason, attempts, runs]).toEqual(['unrecoverable', 1, 1]);
    expect(error!.name).toMatch(/Invalid\w+Error|PayloadTooLargeError/);
    expect(ran).toEqual([]);
  });

  it('leaves its key free, where its handler deduplicates', async () => {
    let runs = 0;
    @Controller()
    class Once {
      @StreamHandler('once', { dedupe: { key: () => 'k' } })
      once(): unknown {
        return ++runs === 1 ? next('all.*') : undefined;
      }
    }
    const { kit, publish } = await startApp({ controllers: [Once] });
    await publish('once', {});
    await publish('once', {});
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['dead-lettered', 'handled']);
  });
});
