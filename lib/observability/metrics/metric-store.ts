import { METRICS, type MetricDefinition, type MetricKey } from './catalog.js';
import { MetricSeries } from './series.js';

/** The numbers of all metrics of this process. */
export class MetricStore {
  private readonly byKey: Readonly<Record<MetricKey, MetricSeries>>;

  /** @param limit most series of one metric. All further ones share one, see {@link MetricSeries} */
  constructor(limit: number) {
    const entries = Object.entries<MetricDefinition>(METRICS);
    this.byKey = Object.fromEntries(
      entries.map(([key, definition]) => [key, new MetricSeries(definition, limit)]),
    ) as Record<MetricKey, MetricSeries>;
  }

  of(key: MetricKey): MetricSeries {
    return this.byKey[key];
  }

  /** The metrics that have values. */
  get used(): MetricSeries[] {
    return Object.values(this.byKey).filter(({ all }) => all.length > 0);
  }

  /** Adds to a counter. @param labels values of its labels, in the order of its definition */
  count(key: MetricKey, labels: readonly string[], by = 1): void {
    const series = this.byKey[key];
    series.add(series.at(labels), by);
  }

  /** Adds a duration to a histogram. */
  observe(key: MetricKey, labels: readonly string[], seconds: number): void {
    const series = this.byKey[key];
    series.observe(series.at(labels), seconds);
  }

  /** Sets a gauge. */
  set(key: MetricKey, labels: readonly string[], value: number): void {
    const series = this.byKey[key];
    series.set(series.at(labels), value);
  }
}
