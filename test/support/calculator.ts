import { Controller, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { redis, StreamContext, StreamHandler } from 'nestjs-redis-streams';
import type { DriverFactory } from 'nestjs-redis-streams/driver';
import { memory } from 'nestjs-redis-streams/memory';
import { postgres } from 'nestjs-redis-streams/postgres';
import {
  catchError,
  concat,
  delay,
  EMPTY,
  from,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  throwError,
  toArray,
} from 'rxjs';
import { afterAll, beforeAll, describe } from 'vitest';
import { testPostgres, type TestPostgres } from './postgres.js';
import { testRedis, type TestRedis } from './redis.js';
import { startRequestApp, type RequestApp, type RequestAppOptions } from './request-app.js';

/** Where requests and answers go: of one application alone. */
export type RequestDriver = () => { source: DriverFactory; keyPrefix: string };

/** Tests of requests, on every driver. `start` has a {@link Calculator} answer, unless told otherwise. */
export function describeRequests(
  tests: (
    start: (options?: Partial<RequestAppOptions>) => Promise<RequestApp>,
    driver: RequestDriver,
  ) => void,
): void {
  let server: TestRedis;
  let database: TestPostgres;
  beforeAll(async () => {
    [server, database] = await Promise.all([testRedis(), testPostgres()]);
  });
  afterAll(() => Promise.all([server.cleanup(), database.cleanup()]));

  let spaces = 0;
  const drivers: [string, RequestDriver][] = [
    ['memory', () => ({ source: memory(), keyPrefix: '' })],
    [
      'redis',
      () => ({ source: redis({ url: server.url }), keyPrefix: `${server.prefix}${++spaces}:` }),
    ],
    ['postgres', () => ({ source: postgres({ url: database.url }), keyPrefix: `${++spaces}:` })],
  ];
  describe.each(drivers)('requests: %s', (_name, driver) => {
    const standard = { controllers: [Calculator] };
    tests((options) => startRequestApp({ ...driver(), ...standard, ...options }), driver);
  });
}

/** What a request came to, in one list: values, then how it ended. */
export const outcome = (answers: Observable<unknown>): Promise<unknown[]> =>
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

/** Answers in all the ways that there are. */
@Controller()
export class Calculator {
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
