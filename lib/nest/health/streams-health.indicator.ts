import { asError } from '../../core/errors/error-record.js';
import type { HealthReport } from '../../observability/health/health-report.js';
import type { StreamsHealth } from './streams-health.js';

/** The result of an indicator, as `HealthCheckService.check` of @nestjs/terminus takes it. */
export type StreamsHealthResult<Key extends string = string> = Record<
  Key,
  Pick<HealthReport, 'status'> & {
    readonly causes?: HealthReport['causes'];
    readonly message?: string;
  }
>;

/** Which transport an indicator is about. */
export interface IndicatorOptions {
  /** Name of the transport. @default all of them */
  readonly name?: string;
}

/**
 * Health indicators for @nestjs/terminus 12. Injectable, by `StreamsHealthModule`. None of them ever
 * throws: what cannot be found out is `down`.
 *
 * ```ts
 * @Get('ready')
 * @HealthCheck()
 * ready() {
 *   return this.health.check([() => this.streams.readiness('streams')]);
 * }
 * ```
 */
export class StreamsHealthIndicator {
  /** @internal */
  constructor(private readonly health: StreamsHealth) {}

  /**
   * As {@link StreamsHealth.liveness}.
   * @param key where the result stands in the answer of terminus
   */
  liveness<Key extends string>(
    key: Key,
    { name }: IndicatorOptions = {},
  ): Promise<StreamsHealthResult<Key>> {
    return resultOf(key, () => this.health.liveness(name));
  }

  /**
   * As {@link StreamsHealth.readiness}.
   * @param key where the result stands in the answer of terminus
   */
  readiness<Key extends string>(
    key: Key,
    { name }: IndicatorOptions = {},
  ): Promise<StreamsHealthResult<Key>> {
    return resultOf(key, () => this.health.readiness(name));
  }
}

/** An indicator that throws a plain Error makes terminus answer 500, without a report. */
async function resultOf<Key extends string>(
  key: Key,
  report: () => HealthReport | Promise<HealthReport>,
): Promise<StreamsHealthResult<Key>> {
  const result = async (): Promise<StreamsHealthResult[string]> => {
    try {
      const { status, causes } = await report();
      return causes.length > 0 ? { status, causes } : { status };
    } catch (thrown) {
      return { status: 'down', message: asError(thrown).message };
    }
  };
  return { [key]: await result() } as StreamsHealthResult<Key>;
}
