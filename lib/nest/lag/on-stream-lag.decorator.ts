import { SetMetadata } from '@nestjs/common';
import type { LagSeverity } from '../../core/lag.js';

/** Which alarms a method is for. What is left out is not looked at. */
export interface StreamLagFilter {
  /** `*` matches any run of characters. */
  readonly stream?: string;
  /** `*` matches any run of characters. */
  readonly group?: string;
  readonly severity?: LagSeverity;
  /** `false`: only when it goes beyond a threshold. `true`: only when it has recovered. */
  readonly recovered?: boolean;
  /** Name of the module. @default 'default' */
  readonly name?: string;
}

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
 */
export const OnStreamLag = (filter: StreamLagFilter = {}): MethodDecorator =>
  SetMetadata(STREAM_LAG_FILTERS, filter);
