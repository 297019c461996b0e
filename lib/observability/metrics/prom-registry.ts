import { setImmediate } from 'node:timers/promises';
import { DURATION_BOUNDS } from '../conventions/messaging.js';
import { prometheusLabel, prometheusName } from './catalog.js';
import type { MetricSeries, Series } from './series.js';

/** What the library uses of a `Registry` of prom-client. */
export interface PromRegistry {
  /** Media type of the page. */
  readonly contentType: string;
  /** Adds a metric. */
  registerMetric(metric: never): void;
  /** Removes the metric with this name. */
  removeSingleMetric(name: string): void;
  /** Returns the metric with this name. */
  getSingleMetric(name: string): unknown;
  /** Writes the page of all metrics of the registry. */
  metrics(): Promise<string>;
}

type Labels = Readonly<Record<string, string>>;

interface PromValue {
  /** Name of a line of a histogram, such as `…_bucket`. */
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

const BOUNDS: readonly string[] = [...DURATION_BOUNDS.map(String), '+Inf'];
/** Marks metrics of this library, also those of another copy of it. */
const OURS = Symbol.for('nestjs-redis-streams:metric');

/**
 * Registers metrics with a registry of prom-client, which asks for their numbers at each scrape.
 * Replaces metrics of this library that an earlier module has left there, as a development server does
 * that loads modules anew.
 * @param onReplaced called once where there were any: the earlier module is served no longer
 * @returns a function that removes them
 */
export function registerWith(
  registry: PromRegistry,
  metrics: readonly MetricSeries[],
  onReplaced: () => void,
): () => void {
  const turns = new Turns();
  let replaced = false;
  const registered = metrics.map((metric) => {
    const served = new PromMetric(metric, turns);
    const { name } = served;
    const earlier = registry.getSingleMetric(name);
    if (typeof earlier === 'object' && earlier && OURS in earlier) {
      registry.removeSingleMetric(name);
      replaced = true;
    }
    registry.registerMetric(served as never);
    return { name, served };
  });
  if (replaced) onReplaced();
  return () => {
    for (const { name, served } of registered) {
      if (registry.getSingleMetric(name) === served) registry.removeSingleMetric(name);
    }
  };
}

/** A metric as prom-client keeps them: it asks `get` for the values. */
class PromMetric {
  readonly [OURS] = true;
  /** prom-client cuts `_total` off for a page of OpenMetrics, and adds it again. */
  name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  private readonly fullName: string;

  constructor(
    private readonly metric: MetricSeries,
    private readonly turns: Turns,
  ) {
    const { definition } = metric;
    this.fullName = prometheusName(definition);
    this.name = this.fullName;
    this.help = definition.help;
    this.type = definition.kind;
    // How workers of a cluster of processes are put together.
    this.aggregator = definition.shared ? 'max' : 'sum';
  }

  async get() {
    await this.turns.next();
    const { name, help, type, aggregator, metric } = this;
    return { name, help, type, aggregator, values: metric.all.flatMap((one) => this.values(one)) };
  }

  /** The numbers are those of the whole process: nothing resets them. */
  reset(): void {}

  private values(series: Series): PromValue[] {
    const { metric, fullName } = this;
    const labels = labelsOf(metric.definition.attributes, series.labels);
    if (metric.definition.kind !== 'histogram') return [{ labels, value: metric.valueOf(series) }];
    const { counts, count, sum } = metric.histogramOf(series);
    let total = 0;
    const buckets = counts.map((one, index) => ({
      metricName: `${fullName}_bucket`,
      labels: { le: BOUNDS[index]!, ...labels },
      value: (total += one),
    }));
    return [
      ...buckets,
      { metricName: `${fullName}_sum`, labels, value: sum },
      { metricName: `${fullName}_count`, labels, value: count },
    ];
  }
}

/** prom-client asks for all metrics at once. In turns, the event loop goes on between them. */
class Turns {
  private last: Promise<void> = Promise.resolve();

  next(): Promise<void> {
    this.last = this.last.then(() => setImmediate());
    return this.last;
  }
}

/** The labels of a series, without those that are empty: to Prometheus they are the same. */
function labelsOf(attributes: readonly string[], values: readonly string[]): Labels {
  const named = attributes.map((attribute, index) => [prometheusLabel(attribute), values[index]!]);
  return Object.fromEntries(named.filter(([, value]) => value !== ''));
}
