import type { HandlerOptions } from '../../options/handler-options.js';
import { isRecord } from '../../core/option-schema/shape.js';
import { shown } from '../../core/option-schema/wording.js';
import { declareHandler } from '../handling/stream-handler.decorator.js';
import { readDeclaration } from '../handling/read-declaration.js';

/**
 * Options of a handler of load balanced streams. Others come from the transport.
 *
 * @typeParam P the payload of its messages, for the functions of `dedupe` and `inbox`
 */
export interface LoadBalancedHandlerOptions<P = unknown> extends Omit<
  HandlerOptions<P>,
  'streams' | 'group' | 'balanced'
> {
  /** The service whose streams are handled: that of a `LoadBalancerModule`. */
  readonly service: string;
  /** Event types; `*` matches any run of characters. Others are acknowledged. @default '*' */
  readonly events?: string | readonly string[] | undefined;
  /** Name of the transport that feeds this handler. @default 'default' */
  readonly name?: string | undefined;
}

/**
 * Feeds a controller's method with each message of every stream that this consumer owns: the messages
 * of one stream in order, one after the other, and never by two consumers at once; those of several
 * streams side by side. Guards, pipes, interceptors, filters, retries and dead letters are those of
 * `@StreamHandler`. While a message waits for its retry the rest of its stream waits, too.
 *
 * ```ts
 * @LoadBalancedHandler({ service: 'sessions' })
 * async handle(@Payload() event: SessionEvent, @Ctx() context: LoadBalancedContext) {
 *   await this.sessions.apply(context.stream, event);
 *   if (event.kind === 'logout') context.done();
 * }
 * ```
 *
 * A stream whose owner has died is claimed, and goes on behind the last message that was settled. The
 * data streams are read in the group `<service>-group`.
 *
 * @typeParam P the payload, for the functions of `dedupe` and `inbox`, as for `@StreamHandler`
 * @throws InvalidOptionsError
 */
export function LoadBalancedHandler<P = unknown>(
  options: LoadBalancedHandlerOptions<P>,
): MethodDecorator {
  return declareHandler('@LoadBalancedHandler', (problems) => {
    if (!isRecord(options)) {
      problems.push(`the options must be an object, not ${shown(options)}`);
      return { events: [], options: {}, name: '' };
    }
    const { service, ...rest } = options;
    if (typeof service !== 'string' || service === '') {
      problems.push('service must be a text that is not empty');
    }
    for (const key of ['stream', 'streams', 'group']) {
      if (key in rest) problems.push(`${key} is no option: the load balancer decides`);
    }
    // Streams have to be named there; here the handler has the streams that are owned.
    const declaration = readDeclaration([{ ...rest, streams: [service] }], problems);
    const { streams: _, ...own } = declaration.options;
    return { ...declaration, options: { ...own, balanced: service } };
  });
}
