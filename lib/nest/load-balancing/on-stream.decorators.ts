import { text } from '../../core/option-schema/kinds.js';
import { refuse } from '../../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../../core/option-schema/shape.js';
import type { StreamNotificationType } from '../../load-balancing/notifications.js';

/** Metadata key of the decorators below. */
export const ON_STREAM = Symbol.for('nestjs-redis-streams:on-stream');

/** The notifications of a method. */
export interface OnStreamMark {
  readonly type: StreamNotificationType;
  /** Undefined: all services. */
  readonly service: string | undefined;
}

const OPTIONS = declareOptions('@OnStream…', {
  /**
   * Only notifications of this service.
   * @default all services whose load balancer the application imports
   */
  service: text(),
});

/** Options of the decorators `@OnStream…`. */
export interface OnStreamOptions extends Given<typeof OPTIONS> {}

function on(type: StreamNotificationType, options: OnStreamOptions): MethodDecorator {
  refuse(OPTIONS.problems(options));
  const { service } = options;
  return (_target, _key, descriptor) => {
    const method = descriptor.value as object;
    const marks = (Reflect.getMetadata(ON_STREAM, method) ?? []) as OnStreamMark[];
    Reflect.defineMetadata(ON_STREAM, [...marks, { type, service }], method);
  };
}

/** Calls a provider's method with each `StreamAdded`: this consumer owns a stream now. */
export const OnStreamAdded = (options: OnStreamOptions = {}): MethodDecorator =>
  on('StreamAdded', options);

/**
 * Calls a provider's method with each `StreamExpired`: a stream has lost its owner. The method may
 * claim it.
 */
export const OnStreamExpired = (options: OnStreamOptions = {}): MethodDecorator =>
  on('StreamExpired', options);

/** Calls a provider's method with each `StreamDisowned`: stop working on the stream. */
export const OnStreamDisowned = (options: OnStreamOptions = {}): MethodDecorator =>
  on('StreamDisowned', options);

/** Calls a provider's method with `StreamTerminated`, the last notification. */
export const OnStreamTerminated = (options: OnStreamOptions = {}): MethodDecorator =>
  on('StreamTerminated', options);
