import type { INestApplicationContext } from '@nestjs/common';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import { NestApplicationContext } from '@nestjs/core/nest-application-context.js';
import { RpcContextCreator } from '@nestjs/microservices/context/rpc-context-creator.js';
import { RpcParamtype } from '@nestjs/microservices/enums/rpc-paramtype.enum.js';
import { RpcExceptionsHandler } from '@nestjs/microservices/exceptions/rpc-exceptions-handler.js';
import { NestMicroservice } from '@nestjs/microservices/nest-microservice.js';
import { called } from '../../consuming/running/run-mark.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import { callMethod } from './method-call.js';
import { RunContext } from './run.context.js';

let watching = false;

/**
 * Wraps the three methods of Nest that know which run reaches its pipes, its method, and its
 * exception filters, and `app.close()`, which a run may call. Each gets the arguments of the handler, and the context is one of them. Calls
 * without a context of this library pass unchanged: HTTP requests, and messages of other
 * transports.
 *
 * Nest tells a transport none of this: a refusal by a pipe looks like any other failure, and
 * filters replace the original error.
 *
 * Call it before Nest registers handlers. Later calls do nothing.
 */
export function watchNest(): void {
  if (watching) return;
  watchFilters(RpcExceptionsHandler.prototype);
  watchPipes(RpcContextCreator.prototype);
  watchInterceptors(InterceptorsConsumer.prototype);
  watchClosing(NestApplicationContext.prototype);
  watchClosing(NestMicroservice.prototype);
  watching = true;
}

/** Notes the error that reaches the filters, before they change it. */
function watchFilters(handler: RpcExceptionsHandler): void {
  const original = methodOf(handler, 'handle');
  handler.handle = function (error, host, ...rest) {
    const context = host.getArgs<unknown[]>()[1];
    if (context instanceof RunContext) context.run.filtered = { error };
    return original.call(this, error, host, ...rest);
  };
}

/**
 * Notes the promise that rejects where a pipe refuses an argument. The context does not pass the
 * pipes: they are meant for payloads, and would judge, copy or clean it.
 */
function watchPipes(creator: RpcContextCreator): void {
  const original = methodOf(creator, 'createPipesFn');
  creator.createPipesFn = function (pipes, params) {
    const applyToAll = original.call(this, pipes, params);
    if (!applyToAll) return applyToAll;
    const contexts = params.filter(isContext);
    const others = params.filter((param) => !isContext(param));
    const apply = contexts.length === 0 ? applyToAll : (original.call(this, pipes, others) ?? none);
    return (args, ...given) => {
      const context: unknown = given[1];
      if (!(context instanceof RunContext)) return applyToAll(args, ...given);
      for (const { index } of contexts) args[index] = context;
      return (context.run.piped = apply(args, ...given));
    };
  };
}

/** Notes when the method begins and ends, where interceptors decide when it is called. */
function watchInterceptors(consumer: InterceptorsConsumer): void {
  const original = methodOf(consumer, 'intercept');
  consumer.intercept = function (interceptors, args, instance, callback, next, type) {
    const context: unknown = type === 'rpc' && args[1];
    const isOurs = context instanceof RunContext;
    const behind = isOurs && (interceptors.length > 0 || context.run.deferred);
    const watched = behind ? () => callMethod(context, next) : next;
    return original.call(this, interceptors, args, instance, callback, watched, type);
  };
}

/** Notes which run calls `app.close()`: Nest closes the transport only some turns later. */
function watchClosing(application: INestApplicationContext): void {
  const original = methodOf(application, 'close');
  application.close = function (...args) {
    return called(() => original.apply(this, args));
  };
}

/** Returns a method that must be called with `this`. */
function methodOf<T, K extends keyof T>(prototype: T, name: K): T[K] {
  if (typeof prototype[name] === 'function') return prototype[name];
  const advice = 'Install a version that the peer dependencies of this package allow.';
  throw new UnsupportedFeatureError(`Nest's ${String(name)}()`, 'this version of Nest', advice);
}

const none = (): Promise<void> => Promise.resolve();

/** Whether this is a parameter with `@Ctx()` and without pipes of its own. */
const isContext = ({ type, pipes }: Param): boolean =>
  type === RpcParamtype.CONTEXT && pipes.length === 0;

type Param = Parameters<RpcContextCreator['createPipesFn']>[1][number];
