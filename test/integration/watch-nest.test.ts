import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { NestApplicationContext } from '@nestjs/core/nest-application-context.js';
import { NestMicroservice } from '@nestjs/microservices/nest-microservice.js';
import { RpcContextCreator } from '@nestjs/microservices/context/rpc-context-creator.js';
import { RpcExceptionsHandler } from '@nestjs/microservices/exceptions/rpc-exceptions-handler.js';
import { lastValueFrom, of } from 'rxjs';
import { expect, it } from 'vitest';
import { watchNest } from '../../lib/nest/handling/watch-nest.js';

const own = [
  [RpcExceptionsHandler.prototype, 'handle'],
  [RpcContextCreator.prototype, 'createPipesFn'],
  [InterceptorsConsumer.prototype, 'intercept'],
  [NestApplicationContext.prototype, 'close'],
  [NestMicroservice.prototype, 'close'],
] as const;
const current = (): unknown[] =>
  own.map(
    ([prototype, name]) => Object.getOwnPropertyDescriptor(prototype, name)!.value as unknown,
  );

it('a version of Nest without the methods that are watched is refused', () => {
  const prototype = RpcExceptionsHandler.prototype;
  const handle = Object.getOwnPropertyDescriptor(prototype, 'handle')!;
  Reflect.deleteProperty(prototype, 'handle');
  try {
    expect(watchNest).toThrow("Nest's handle() is not available on this version of Nest.");
  } finally {
    Object.defineProperty(prototype, 'handle', handle);
  }
});

it('the methods of Nest are wrapped once, however many transports there are', () => {
  const before = current();
  watchNest();
  const wrapped = current();
  for (const [index, method] of wrapped.entries()) expect(method).not.toBe(before[index]);
  watchNest();
  expect(current()).toEqual(wrapped);
});

it('calls without a context of ours pass as they came', async () => {
  watchNest();
  const handler = new RpcExceptionsHandler();
  handler.setCustomFilters([{ func: () => of('filtered'), exceptionMetatypes: [] }]);
  const host = new ExecutionContextHost(['payload', 'a context of another transport']);
  expect(await lastValueFrom(handler.handle(new Error('no'), host))).toBe('filtered');

  const method = (): unknown => 'result';
  const next = async (): Promise<unknown> => 'result';
  const called = new InterceptorsConsumer().intercept([], [], {}, method, next, 'http');
  expect(await called).toBe('result');
});
