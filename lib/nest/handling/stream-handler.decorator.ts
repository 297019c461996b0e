import { EventPattern } from '@nestjs/microservices';
import { PATTERN_HANDLER_METADATA } from '@nestjs/microservices/constants.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import { transportIdOf } from '../tokens.js';
import { implyParameters } from './implied-parameters.js';
import { readDeclaration, type HandlerDeclaration } from './read-declaration.js';
import { type StreamHandlerOptions, type StreamHandlerSources } from './handler-sources.js';

/** The key of `@StreamHandler` among the extras of Nest's own pattern metadata. */
export const STREAM_HANDLER = Symbol.for('nestjs-redis-streams:stream-handler');

/** What `@StreamHandler` declares of a method. */
export interface StreamHandlerMark extends HandlerDeclaration {
  /** `OrderController.process` */
  readonly method: string;
}

/**
 * Feeds a controller's method from streams. The method runs at least once for each message, with
 * its guards, pipes, interceptors and filters, until its Promise or Observable has completed.
 *
 * ```ts
 * @StreamHandler('order.process', { maxDeliveries: 3 })
 * process(@Payload() order: Order, @Ctx() context: StreamContext) {}
 * ```
 *
 * A failed run is repeated after the backoff, up to `maxDeliveries` runs in all. Then the message
 * becomes a dead letter. A message whose payload a pipe refuses, or whose run throws
 * `UnrecoverableError`, becomes a dead letter at once. A method without parameter decorators gets
 * payload and context.
 *
 * The functions of `dedupe`, `inbox` and `orderBy` get the message. The type argument is the type
 * of its payload. With an event map it is `Events['order.paid']`, or, for two event types,
 * `Events['order.paid' | 'order.refunded']`. A path of `orderBy` then is one into that payload. The
 * parameters of the method are not compared with it: a pipe may change the payload, and
 * `@Payload('id')` takes a part of it.
 *
 * ```ts
 * @StreamHandler<Order>('order.paid', {
 *   dedupe: { key: ({ payload }) => payload.orderId },
 *   orderBy: ({ payload }) => payload.customerId,
 * })
 * ```
 *
 * @typeParam P the payload. Nothing checks it at run time before these functions get it. Without
 * the type argument the payload is `unknown`
 * @param events event types; `*` matches any run of characters, dots included. A wildcard needs the
 * option `stream`, or a route
 * @throws InvalidOptionsError
 */
export function StreamHandler<P = unknown>(
  events: string | readonly string[],
  options?: StreamHandlerOptions<P>,
): MethodDecorator;
/**
 * @typeParam P the payload, for the functions of `dedupe`, `inbox` and `orderBy`
 * @param sources streams to read, beside the options
 * @throws InvalidOptionsError
 */
export function StreamHandler<P = unknown>(sources: StreamHandlerSources<P>): MethodDecorator;
export function StreamHandler(...args: unknown[]): MethodDecorator {
  return declareHandler('@StreamHandler', (problems) => readDeclaration(args, problems));
}

/** @internal Makes a decorator of methods that the transport feeds. @throws InvalidOptionsError */
export function declareHandler(
  decorator: string,
  read: (problems: string[]) => HandlerDeclaration,
): MethodDecorator {
  return (target, key, descriptor: PropertyDescriptor | undefined) => {
    const method = `${target.constructor.name}.${String(key)}`;
    const problems: string[] = [];
    const declaration = read(problems);
    if (typeof target === 'function' || typeof descriptor?.value !== 'function') {
      problems.push(`${decorator} belongs on a method of an instance`);
    } else if (Reflect.hasMetadata(PATTERN_HANDLER_METADATA, descriptor.value as object)) {
      problems.push(
        `a method takes one pattern decorator: name several events in one ${decorator}`,
      );
    }
    if (problems.length > 0) {
      throw new InvalidOptionsError(problems.map((problem) => `${method}: ${problem}`));
    }
    implyParameters(target, key);
    const mark: StreamHandlerMark = { ...declaration, method };
    EventPattern([...declaration.events], transportIdOf(declaration.name), {
      [STREAM_HANDLER]: mark,
    })(target, key, descriptor!);
  };
}
