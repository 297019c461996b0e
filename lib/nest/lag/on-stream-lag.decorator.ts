import { SetMetadata } from '@nestjs/common';
import { flag, oneOf, text } from '../../core/declaring/kinds.js';
import { refuse } from '../../core/declaring/refuse.js';
import { declareOptions, type Given } from '../../core/declaring/shape.js';

const FILTER = declareOptions('@OnStreamLag', {
  /** `*` matches any run of characters. */
  stream: text(),
  /** `*` matches any run of characters. */
  group: text(),
  severity: oneOf('WARNING', 'CRITICAL'),
  /** `false`: only when it goes beyond a threshold. `true`: only when it has recovered. */
  recovered: flag(),
  /** Name of the module. @default 'default' */
  name: text(),
});

/** Which alarms a method is for. What is left out is not looked at. */
export interface StreamLagFilter extends Given<typeof FILTER> {}

/** @internal */
export const STREAM_LAG_FILTERS = Symbol('nestjs-redis-streams:on-stream-lag');

/**
 * Has a method of a provider or controller told of a lag that goes beyond a threshold of the option
 * `lag`, and of its recovery. An error that it throws is raised as `listener-failed`.
 *
 * ```ts
 * @OnStreamLag({ severity: 'CRITICAL' })
 * page({ stream, consumerGroup, lag, recovered }: StreamLagExceeded) { … }
 * ```
 * @param filter default all alarms of the module `'default'`
 * @throws InvalidOptionsError
 */
export function OnStreamLag(filter: StreamLagFilter = {}): MethodDecorator {
  refuse(FILTER.problems(filter));
  return SetMetadata(STREAM_LAG_FILTERS, filter);
}
