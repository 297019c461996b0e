import { SetMetadata } from '@nestjs/common';
import { flag, oneOf, text } from '../../core/option-schema/kinds.js';
import { refuse } from '../../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../../core/option-schema/shape.js';

const FILTER = declareOptions('@OnStreamLag', {
  /** Name of the stream; `*` matches any run of characters. @default all streams */
  stream: text(),
  /** Name of the group; `*` matches any run of characters. @default all groups */
  group: text(),
  /** How serious the alarm is. @default both */
  severity: oneOf('WARNING', 'CRITICAL'),
  /** `false`: only when a threshold is exceeded. `true`: only when the lag has recovered. @default both */
  recovered: flag(),
  /** Name of the module. @default 'default' */
  name: text(),
});

/** Selects the alarms of a method. A field that is left out matches all. */
export interface StreamLagFilter extends Given<typeof FILTER> {}

/** @internal */
export const STREAM_LAG_FILTERS = Symbol('nestjs-redis-streams:on-stream-lag');

/**
 * Calls a method of a provider or controller when a lag exceeds a threshold of the option `lag`,
 * and when it has recovered. An error that the method throws is emitted as `listener-failed`.
 *
 * ```ts
 * @OnStreamLag({ severity: 'CRITICAL' })
 * page({ stream, consumerGroup, lag, recovered }: StreamLagExceeded) { … }
 * ```
 * @param filter @default all alarms of the module `'default'`
 * @throws InvalidOptionsError
 */
export function OnStreamLag(filter: StreamLagFilter = {}): MethodDecorator {
  refuse(FILTER.problems(filter));
  return SetMetadata(STREAM_LAG_FILTERS, filter);
}
