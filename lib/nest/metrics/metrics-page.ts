import { Readable } from 'node:stream';
import type { PromRegistry } from '../../observability/metrics/prom-registry.js';
import type { StreamsMetrics } from '../../observability/metrics/streams-metrics.js';

/** The answer to a scrape. */
export interface MetricsPage {
  /** Status of HTTP. */
  readonly status: number;
  readonly contentType: string;
  readonly body: Readable;
}

/**
 * Writes the page: all metrics of the registry where there is one, else those of the library.
 * @throws what a metric of the registry throws
 */
export async function metricsPage(
  metrics: StreamsMetrics,
  registry: PromRegistry | undefined,
): Promise<MetricsPage> {
  const status = 200;
  if (!registry) {
    return { status, contentType: metrics.contentType, body: Readable.from(metrics.pieces()) };
  }
  const page = await registry.metrics();
  return { status, contentType: registry.contentType, body: Readable.from([page]) };
}
