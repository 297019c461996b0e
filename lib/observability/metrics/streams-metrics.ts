import { systemClock, type Clock } from '../../core/clock.js';
import type { EventBus } from '../../core/event-bus.js';
import { METRICS, type MetricKey } from './catalog.js';
import { recordEvents, type MetricsSource } from './event-recorder.js';
import { MetricStore } from './metric-store.js';
import { otelProducer, type OtelMetricProducer } from './otel-producer.js';
import { registerWith, type PromRegistry } from './prom-registry.js';
import { prometheusText, PROMETHEUS_TEXT } from './prometheus-text.js';

/** Most series of one metric. */
export const DEFAULT_MAX_SERIES = 1000;

const REPLACED = {
  code: 'METRICS_REPLACED',
  message:
    'Metrics of an earlier StreamsMetricsModule stood in this registry of prom-client, and are not served any more. For several transports import one module with all their names. For several applications in a process give each a registry.',
};

/**
 * The metrics of this process: counters, histograms and gauges, which the events of transports feed.
 * Injectable. They are written when they are asked for.
 */
export class StreamsMetrics {
  /** Media type of {@link page}. */
  readonly contentType = PROMETHEUS_TEXT;
  /** @internal */
  readonly store: MetricStore;
  /** Those of the transports that are followed. */
  private readonly events: EventBus[] = [];

  /** @internal */
  constructor(
    maxSeries = DEFAULT_MAX_SERIES,
    private readonly clock: Clock = systemClock,
  ) {
    this.store = new MetricStore(maxSeries);
  }

  /** @internal Counts what the events of a transport tell. @returns a function that ends this */
  follow(source: MetricsSource): () => void {
    this.events.push(source.events);
    return recordEvents(source, this.store);
  }

  /** Returns the metrics in the text format of Prometheus. */
  async page(): Promise<string> {
    let page = '';
    for await (const piece of this.pieces()) page += piece;
    return page;
  }

  /**
   * Returns the same as `page`, in pieces. The event loop goes on between them, so that a page with
   * thousands of series holds up nothing.
   */
  pieces(): AsyncIterable<string> {
    return prometheusText(this.store.used, this.clock);
  }

  /**
   * Adds the metrics to a registry of prom-client, which reads them at each scrape.
   * @returns a function that removes them
   * @throws Error of prom-client where the registry has another metric of the same name
   */
  register(registry: PromRegistry): () => void {
    return registerWith(
      registry,
      (Object.keys(METRICS) as MetricKey[]).map((key) => this.store.of(key)),
      () => this.events[0]?.emit('warning', REPLACED),
    );
  }

  /**
   * Returns a producer for OpenTelemetry:
   *
   * ```ts
   * new PeriodicExportingMetricReader({ exporter, metricProducers: [metrics.producer()] });
   * ```
   */
  producer(): OtelMetricProducer {
    return otelProducer(() => this.store.used, this.clock);
  }
}
