import type { Clock } from '../../core/clock.js';
import { DURATION_BOUNDS } from '../conventions/messaging.js';
import { LoopTime } from './loop-time.js';
import type { MetricSeries, Series } from './series.js';

type Time = [seconds: number, nanoseconds: number];

interface DataPoint<Value> {
  readonly startTime: Time;
  readonly endTime: Time;
  readonly attributes: Record<string, string>;
  readonly value: Value;
}

interface OtelHistogram {
  buckets: { boundaries: number[]; counts: number[] };
  sum: number;
  count: number;
}

/** The numbers by which the SDK of OpenTelemetry names these. */
const CUMULATIVE = 1;
const DOUBLE = 1;
const HISTOGRAM = 0;
const GAUGE = 2;
const SUM = 3;

interface DataOf<Type extends number, Value> {
  readonly descriptor: {
    readonly name: string;
    readonly description: string;
    readonly unit: string;
    readonly valueType: typeof DOUBLE;
  };
  readonly aggregationTemporality: typeof CUMULATIVE;
  readonly dataPointType: Type;
  readonly dataPoints: DataPoint<Value>[];
}

/** One metric as the SDK of OpenTelemetry takes it. */
type OtelMetric =
  | DataOf<typeof HISTOGRAM, OtelHistogram>
  | DataOf<typeof GAUGE, number>
  | (DataOf<typeof SUM, number> & { readonly isMonotonic: boolean });

/**
 * A `MetricProducer` of `@opentelemetry/sdk-metrics`, for a reader's option `metricProducers`. The
 * reader asks for the numbers when it exports.
 */
export interface OtelMetricProducer {
  /**
   * Returns the numbers of this moment, as the SDK has them. The types of the SDK are left out, because
   * they differ between its versions. The reader uses its own resource.
   */
  collect(): Promise<{
    readonly resourceMetrics: { readonly resource: never; readonly scopeMetrics: never[] };
    readonly errors: unknown[];
  }>;
}

const SCOPE = 'nestjs-redis-streams';

/** Makes a producer of the metrics that `used` returns. @param clock of this process */
export function otelProducer(
  used: () => readonly MetricSeries[],
  clock: Pick<Clock, 'now' | 'wallTime'>,
): OtelMetricProducer {
  const startTime = timeOf(clock.wallTime());
  return {
    async collect() {
      const time = new LoopTime(clock);
      const endTime = timeOf(clock.wallTime());
      const metrics: OtelMetric[] = [];
      for (const metric of used()) metrics.push(await dataOf(metric, { startTime, endTime }, time));
      const scopeMetrics = [{ scope: { name: SCOPE }, metrics }] as never[];
      return { resourceMetrics: { resource: undefined as never, scopeMetrics }, errors: [] };
    },
  };
}

interface Span {
  readonly startTime: Time;
  readonly endTime: Time;
}

async function dataOf(metric: MetricSeries, span: Span, time: LoopTime): Promise<OtelMetric> {
  const { name, help: description, unit, kind } = metric.definition;
  const about = {
    descriptor: { name, description, unit, valueType: DOUBLE },
    aggregationTemporality: CUMULATIVE,
  } as const;
  if (kind === 'histogram') {
    const read = (series: Series) => histogramOf(metric, series);
    return {
      ...about,
      dataPointType: HISTOGRAM,
      dataPoints: await points(metric, span, time, read),
    };
  }
  const dataPoints = await points(metric, span, time, (series) => metric.valueOf(series));
  if (kind === 'gauge') return { ...about, dataPointType: GAUGE, dataPoints };
  return { ...about, dataPointType: SUM, dataPoints, isMonotonic: true };
}

async function points<Value>(
  metric: MetricSeries,
  span: Span,
  time: LoopTime,
  read: (series: Series) => Value,
): Promise<DataPoint<Value>[]> {
  const all: DataPoint<Value>[] = [];
  for (const series of [...metric.all]) {
    all.push({ ...span, attributes: attributesOf(metric, series), value: read(series) });
    if (time.isUp) await time.pass();
  }
  return all;
}

function histogramOf(metric: MetricSeries, series: Series): OtelHistogram {
  const { counts, count, sum } = metric.histogramOf(series);
  return { buckets: { boundaries: [...DURATION_BOUNDS], counts: [...counts] }, sum, count };
}

function attributesOf({ definition }: MetricSeries, { labels }: Series): Record<string, string> {
  const named = definition.attributes.map((attribute, index) => [attribute, labels[index]!]);
  return Object.fromEntries(named.filter(([, value]) => value !== ''));
}

const timeOf = (ms: number): Time => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1_000_000)];
