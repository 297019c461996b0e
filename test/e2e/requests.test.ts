import { Controller, UseFilters, UseInterceptors, type ExecutionContext } from '@nestjs/common';
import {
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type OutgoingResponse,
  type ReadPacket,
} from '@nestjs/microservices';
import {
  redis,
  RemoteError,
  StreamContext,
  StreamHandler,
  StreamRecordBuilder,
  type DriverFactory,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import {
  catchError,
  concat,
  defer,
  delay,
  EMPTY,
  firstValueFrom,
  from,
  lastValueFrom,
  map,
  NEVER,
  Observable,
  of,
  scan,
  throwError,
  timeout,
  toArray,
} from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elapse } from '../support/passing-time.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { startRequestApp, type RequestAppOptions } from '../support/request-app.js';
import { until } from '../support/until.js';

let server: TestRedis;
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

let spaces = 0;
const drivers: [string, () => { source: DriverFactory; keyPrefix: string }][] = [
  ['memory', () => ({ source: memory(), keyPrefix: '' })],
  [
    'redis',
    () => ({ source: redis({ url: server.url }), keyPrefix: `${server.prefix}${++spaces}:` }),
  ],
];

/** What a request came to, in one list: values, then how it ended. */
const outcome = (answers: Observable<unknown>): Promise<unknown[]> =>
  lastValueFrom(
    concat(answers, of('complete')).pipe(
      catchError((error: unknown) => of({ error })),
      toArray(),
    ),
  );

class StockError extends Error {
  override name = 'StockError';
  code = 'OUT_OF_STOCK';
}

@Controller()
class Calculator {
  static notified: unknown[] = [];
  static runs = 0;

  @MessagePattern({ cmd: 'sum' })
  sum(data: number[]): number {
    return (data || []).reduce((a, b) => a + b);
  }

  @MessagePattern({ cmd: 'asyncSum' })
  async asyncSum(data: number[]): Promise<number> {
    return this.sum(data);
  }

  @MessagePattern({ cmd: 'streamSum' })
  streamSum(data: number[]): Observable<number> {
    return of(this.sum(data));
  }

  @MessagePattern({ cmd: 'streaming' })
  streaming(data: number[]): Observable<number> {
    return from(data);
  }

  @MessagePattern('slowly')
  slowly(data: number[]): Observable<number> {
    return concat(...data.map((one) => of(one).pipe(delay(5))));
  }

  @MessagePattern('promised-stream')
  async promisedStream(): Promise<Observable<string>> {
    return of('a', 'b');
  }

  @MessagePattern('answer')
  answer(what: string): unknown {
    return { null: null, false: false, zero: 0, empty: '', date: new Date(0), list: [] }[what];
  }

  @MessagePattern('nothing')
  nothing(): void {}

  @MessagePattern('empty')
  empty(): Observable<never> {
    return EMPTY;
  }

  @MessagePattern('never')
  never(): Observable<never> {
    return NEVER;
  }

  @MessagePattern('fails')
  fails(how: string): unknown {
    Calculator.runs++;
    switch (how) {
      case 'text':
        throw new RpcException('out of stock');
      case 'object':
        throw new RpcException({ name: 'StockError', code: 'OUT_OF_STOCK', message: 'none left' });
      case 'midway':
        return concat(
          of(1, 2),
          throwError(() => new RpcException('midway')),
        );
      case 'bigint':
        return { id: 1n };
      default:
        throw new TypeError('secret');
    }
  }

  @UseFilters({ catch: (error: unknown) => throwError(() => error) })
  @MessagePattern('fails-openly')
  failsOpenly(): never {
    throw new StockError('none left');
  }

  @MessagePattern(7)
  seven(): string {
    return 'seven';
  }

  @MessagePattern('echo')
  echo(@Payload() payload: unknown, @Ctx() context: StreamContext): unknown {
    return { payload, metadata: context.metadata, pattern: context.getPattern() };
  }

  @EventPattern('notification')
  onNotification(data: unknown): void {
    Calculator.notified.push(data);
  }

  @MessagePattern('both')
  request(data: unknown): unknown {
    return ['answered', data];
  }

  @EventPattern('both')
  onBoth(data: unknown): void {
    Calculator.notified.push(data);
  }

  @StreamHandler('order')
  order(): void {
    Calculator.runs++;
  }
}

describe.each(drivers)('requests: %s', (_name, driver) => {
  const start = (options: Partial<RequestAppOptions> = {}) =>
    startRequestApp({ ...driver(), controllers: [Calculator], ...options });

  it.each([
    ['a value', { cmd: 'sum' }],
    ['a promise', { cmd: 'asyncSum' }],
    ['a stream of one', { cmd: 'streamSum' }],
  ])('are answered by %s', async (_what, pattern) => {
    const { client } = await start();
    expect(await outcome(client.send(pattern, [1, 2, 3, 4, 5]))).toEqual([15, 'complete']);
  });

  it('are answered by a stream, in order and to its end', async () => {
    const { client } = await start();
    const data = Array.from({ length: 500 }, (_, index) => index);
    const answers = client.send<number>({ cmd: 'streaming' }, data);
    expect(await outcome(answers)).toEqual([...data, 'complete']);
    expect(await lastValueFrom(answers.pipe(scan((a, b) => a + b)))).toBe(124_750);
    expect(await outcome(client.send('slowly', [1, 2, 3]))).toEqual([1, 2, 3, 'complete']);
    expect(await outcome(client.send('promised-stream', 0))).toEqual(['a', 'b', 'complete']);
  });

  it('are answered each by its own, a hundred at a time', async () => {
    const { client } = await start();
    const asked = Array.from({ length: 100 }, (_, index) => [index, index + 1]);
    const answers = asked.map((tab) => lastValueFrom(client.send<number>({ cmd: 'sum' }, tab)));
    expect(await Promise.all(answers)).toEqual(asked.map(([a, b]) => a! + b!));
  });

  it.each([
    ['null', null],
    ['false', false],
    ['zero', 0],
    ['empty', ''],
    ['date', '1970-01-01T00:00:00.000Z'],
    ['list', []],
  ])('are answered by %s', async (what, value) => {
    const { client } = await start();
    expect(await outcome(client.send('answer', what))).toEqual([value, 'complete']);
  });

  it('complete without a value where there is none', async () => {
    const { client } = await start();
    expect(await outcome(client.send('nothing', 0))).toEqual(['complete']);
    expect(await outcome(client.send('empty', 0))).toEqual(['complete']);
  });

  it('are sent once per subscription, and not before', async () => {
    const { client, settled } = await start();
    const request = client.send({ cmd: 'sum' }, [1, 2]);
    expect(await outcome(request)).toEqual([3, 'complete']);
    expect(await outcome(request)).toEqual([3, 'complete']);
    await until('both are settled', () => settled.length === 2);
  });

  it.each([
    ['text', { status: 'error', message: 'out of stock' }],
    ['object', { name: 'StockError', code: 'OUT_OF_STOCK', message: 'none left' }],
    ['unknown', { status: 'error', message: 'Internal server error' }],
  ])('fail with what the filters let through, and are not run again: %s', async (how, error) => {
    const { client, settled } = await start({ service: { backoff: { delay: 1, jitter: 0 } } });
    Calculator.runs = 0;
    expect(await outcome(client.send('fails', how))).toEqual([{ error }]);
    await until('it is settled', () => settled.length === 1);
    expect(settled).toMatchObject([{ outcome: 'failed', attempt: 1 }]);
    expect(Calculator.runs).toBe(1);
  });

  it('fail with the name, code and message of an Error', async () => {
    const { client } = await start();
    const error = await firstValueFrom(client.send('fails-openly', 0)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      name: 'StockError',
      code: 'OUT_OF_STOCK',
      message: 'none left',
    });
  });

  it('fail after the values that came before', async () => {
    const { client } = await start();
    expect(await outcome(client.send('fails', 'midway'))).toEqual([
      1,
      2,
      { error: { status: 'error', message: 'midway' } },
    ]);
  });

  it('fail where the answer has no JSON', async () => {
    const { client } = await start();
    const [failure] = await outcome(client.send('fails', 'bigint'));
    expect(failure).toMatchObject({ error: { name: 'TypeError' } });
  });

  it('fail where the answer is too large', async () => {
    const { client } = await start({ service: { maxPayloadBytes: 20 } });
    expect(await outcome(client.send('slowly', [1]))).toEqual([1, 'complete']);
    const [failure] = await outcome(client.send('echo', 0));
    expect(failure).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });
  });

  it('to a handler of events fail at once, unrun', async () => {
    const { client, settled } = await start();
    Calculator.runs = 0;
    expect(await outcome(client.send('order', 1))).toMatchObject([
      {
        error: {
          code: 'NOT_A_REQUEST_HANDLER',
          name: 'NotARequestHandlerError',
          message: expect.stringContaining('Calculator.order'),
        },
      },
    ]);
    await until('it is settled', () => settled.length === 1);
    expect(settled).toMatchObject([{ outcome: 'refused' }]);
    expect(Calculator.runs).toBe(0);
  });

  it('are answered though another group only listens', async () => {
    @Controller()
    class Audit {
      @StreamHandler('slowly', { group: 'audit' })
      listen(): void {}
    }
    const { client, settled } = await start({ controllers: [Calculator, Audit] });
    expect(await outcome(client.send('slowly', [1, 2]))).toEqual([1, 2, 'complete']);
    await until('both are settled', () => settled.length === 2);
    expect(settled.map((event) => event.outcome).sort()).toEqual(['handled', 'refused']);
  });

  it('to nobody fail with the time limit: of the record, else of the client', async () => {
    const { client } = await start({ client: { requestTimeout: 60 } });
    const error = { code: 'REQUEST_TIMEOUT', timeout: 60, eventType: 'nobody' };
    expect(await outcome(client.send('nobody', 1))).toMatchObject([{ error }]);
    const record = new StreamRecordBuilder(1).setTimeout(30).build();
    expect(await outcome(client.send('nobody', record))).toMatchObject([
      { error: { code: 'REQUEST_TIMEOUT', timeout: 30 } },
    ]);
    const wrong = new StreamRecordBuilder(1).setTimeout(0.5).build();
    expect(await outcome(client.send('nobody', wrong))).toMatchObject([
      { error: { code: 'INVALID_OPTIONS' } },
    ]);
  });

  it('have the time limit for each answer of a stream', async () => {
    const { client } = await start({ client: { requestTimeout: 400 } });
    const data = Array.from({ length: 10 }, () => 1);
    @Controller()
    class Slow {
      @MessagePattern('pace')
      pace(): Observable<number> {
        return concat(...data.map((one) => of(one).pipe(delay(60))));
      }
    }
    const slow = await start({ controllers: [Slow], client: { requestTimeout: 400 } });
    expect(await outcome(slow.client.send('pace', 0))).toEqual([...data, 'complete']);
    expect(await outcome(client.send('never', 0))).toMatchObject([
      { error: { code: 'REQUEST_TIMEOUT' } },
    ]);
  });

  it("stop waiting when unsubscribed, by rxjs's timeout too", async () => {
    const { client } = await start();
    const values: unknown[] = [];
    const subscription = client.send('slowly', [1, 2, 3]).subscribe((value) => {
      values.push(value);
      subscription.unsubscribe();
    });
    await expect(firstValueFrom(client.send('never', 0).pipe(timeout(50)))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await until('the first value', () => values.length > 0);
    expect(values).toEqual([1]);
    expect(await outcome(client.send({ cmd: 'sum' }, [1, 2]))).toEqual([3, 'complete']);
  });

  it('that nobody waits for any more are not run, and counted', async () => {
    const before = driver();
    const requestTimeout = 250;
    const { client } = await start({ ...before, client: { requestTimeout } });
    expect(await outcome(client.send('late', 1))).toMatchObject([
      { error: { code: 'REQUEST_TIMEOUT' } },
    ]);
    // However late it was published, it is older than that now.
    await elapse(requestTimeout);
    const runs: unknown[] = [];
    @Controller()
    class Late {
      @MessagePattern('late')
      late(data: unknown): unknown {
        runs.push(data);
        return data;
      }
    }
    const late = await start({ ...before, controllers: [Late] });
    expect(await outcome(late.client.send('late', 2))).toEqual([2, 'complete']);
    await until('both are settled', () => late.settled.length === 2);
    expect(late.settled.map((event) => event.outcome).sort()).toEqual(['expired', 'handled']);
    expect(runs).toEqual([2]);
  });

  it('that wait all fail when the client is closed', async () => {
    const { client } = await start();
    const waiting = [1, 2, 3].map((n) => outcome(client.send('never', n)));
    const open = outcome(client.send({ cmd: 'sum' }, [1]));
    expect(await open).toEqual([1, 'complete']);
    await client.close();
    for (const one of await Promise.all(waiting)) {
      expect(one).toMatchObject([{ error: { code: 'CLOSED' } }]);
    }
    expect(await outcome(client.send({ cmd: 'sum' }, [1]))).toMatchObject([
      { error: { code: 'CLOSED' } },
    ]);
  });

  it('fail within the time limit of their handler', async () => {
    @Controller()
    class Hanging {
      @MessagePattern('hang', { timeout: 30 } as never)
      hang(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    const { client } = await start({ controllers: [Hanging], service: { gracePeriod: 0 } });
    const [failure] = await outcome(client.send('hang', 1));
    expect(failure).toMatchObject({ error: { code: 'HANDLER_TIMEOUT' } });
  });

  it('carry metadata, of the record and of a dispatch hook', async () => {
    const { client } = await start();
    client.setOnDispatchHook((packet: ReadPacket) => {
      packet.metadata = { trace: '1', tenant: 'hook' };
    });
    const record = new StreamRecordBuilder({ id: 1 }).setMetadata({ tenant: 'a' }).build();
    expect(await firstValueFrom(client.send('echo', record))).toEqual({
      payload: { id: 1 },
      metadata: { trace: '1', tenant: 'a' },
      pattern: 'echo',
    });
  });

  it('and events of one pattern find their own handlers', async () => {
    const { client } = await start();
    Calculator.notified = [];
    await lastValueFrom(client.emit('both', 'event'));
    await lastValueFrom(client.emit('notification', true));
    await until('the events have come', () => Calculator.notified.length === 2);
    expect(await outcome(client.send('both', 'request'))).toEqual([
      ['answered', 'request'],
      'complete',
    ]);
    expect(Calculator.notified).toHaveLength(2);
  });

  it('to a pattern that is a number, an object in another order, or has a stream', async () => {
    @Controller()
    class Patterns {
      @MessagePattern({ b: 1, a: { c: 'x' } })
      object(): string {
        return 'object';
      }

      @MessagePattern('routed.one')
      routed(): string {
        return 'routed';
      }
    }
    const routes = [{ events: 'routed.*', stream: 'all' }];
    const { client } = await start({
      controllers: [Calculator, Patterns],
      service: { routes },
      client: { routes },
    });
    expect(await firstValueFrom(client.send(7 as never, 0))).toBe('seven');
    expect(await firstValueFrom(client.send({ a: { c: 'x' }, b: 1 }, 0))).toBe('object');
    expect(await firstValueFrom(client.send('routed.one', 0))).toBe('routed');
    const address = { stream: 'all', event: 'routed.one' };
    expect(await firstValueFrom(client.send(address, 0))).toBe('routed');
  });

  it('of no pattern or no data fail', async () => {
    const { client } = await start();
    expect(await outcome(client.send(undefined as never, 1))).toMatchObject([{ error: {} }]);
    expect(await outcome(client.send('echo', null))).toMatchObject([{ error: {} }]);
  });

  it('pass serializers and deserializers of both sides', async () => {
    const { client } = await start({
      client: {
        serializer: { serialize: ({ pattern, data }: ReadPacket) => ({ pattern, data: [data] }) },
        deserializer: {
          deserialize: async ({ id, response, err, isDisposed }) => ({
            id,
            err,
            isDisposed,
            response: response === undefined ? undefined : { read: response },
          }),
        },
      },
      service: {
        deserializer: { deserialize: ({ pattern, data }) => ({ pattern, data: [data, 'in'] }) },
        serializer: { serialize: (packet) => ({ ...packet, response: wrapped(packet.response) }) },
      },
    });
    expect(await outcome(client.send('answer', 'zero'))).toEqual(['complete']);
    expect(await outcome(client.send('both', 'x'))).toEqual([
      { read: { out: ['answered', [['x'], 'in']] } },
      'complete',
    ]);
    expect(await outcome(client.send('slowly', 1))).toEqual([
      { read: { out: [1] } },
      { read: { out: 'in' } },
      'complete',
    ]);
    expect(await outcome(client.send('fails', 'text'))).toMatchObject([
      { error: { message: 'Internal server error' } },
    ]);
  });

  it('reach a serializer of the service though the client has no deserializer', async () => {
    const { client } = await start({
      service: { serializer: { serialize: (packet) => ({ ...packet, response: 'other' }) } },
    });
    expect(await outcome(client.send({ cmd: 'sum' }, [1]))).toEqual(['other', 'complete']);
  });

  it.each(['streaming', 'slowly'])(
    'fail where the serializer of the service throws amid an answer that is a stream (%s)',
    async (method) => {
      const serialize = (packet: OutgoingResponse) => {
        if (packet.response === 2) throw new TypeError('no such number');
        return packet;
      };
      const { client, settled } = await start({ service: { serializer: { serialize } } });
      const pattern = method === 'streaming' ? { cmd: method } : method;
      expect(await outcome(client.send(pattern, [1, 2, 3]))).toMatchObject([
        1,
        { error: { name: 'TypeError', message: 'no such number' } },
      ]);
      await until('it is settled', () => settled.length === 1);
      expect(settled).toMatchObject([{ outcome: 'failed', error: { name: 'TypeError' } }]);
    },
  );

  it('pass interceptors, and the hooks of the transport', async () => {
    const hooks: string[] = [];
    @UseInterceptors({
      intercept: (context: ExecutionContext, next) =>
        defer(() => next.handle()).pipe(map((value) => `${context.getType()} ${value}`)),
    })
    @Controller()
    class Intercepted {
      @MessagePattern('twice')
      twice(): Observable<number> {
        return of(1, 2);
      }
    }
    const { client } = await start({
      controllers: [Intercepted],
      configure: (_app, transport) => {
        transport.setOnProcessingStartHook((_id, _context, done) => {
          hooks.push('start');
          void done();
        });
        transport.setOnProcessingEndHook(() => void hooks.push('end'));
      },
    });
    expect(await outcome(client.send('twice', 0))).toEqual(['rpc 1', 'rpc 2', 'complete']);
    await until('the hooks were called', () => hooks.length === 2);
    expect(hooks).toEqual(['start', 'end']);
  });

  it('cannot be retried or dead-lettered by their handler', async () => {
    @Controller()
    class Asking {
      @UseFilters({ catch: (error: unknown) => throwError(() => error) })
      @MessagePattern('ask')
      ask(@Payload() how: string, @Ctx() context: StreamContext): void {
        if (how === 'retry') context.retry(1);
        else context.deadLetter('no');
      }
    }
    const { client } = await start({ controllers: [Asking] });
    for (const how of ['retry', 'dead-letter']) {
      const [failure] = await outcome(client.send('ask', how));
      expect(failure).toMatchObject({ error: { code: 'UNSUPPORTED_FEATURE' } });
    }
  });
});

const wrapped = (response: unknown) => (response === undefined ? undefined : { out: response });
