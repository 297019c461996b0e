import {
  METRICS,
  prometheusLabel,
  prometheusName,
  type MetricDefinition,
} from '../../../lib/observability/metrics/catalog.js';
import { table } from '../generated-parts.js';

/** A row for each metric of the library, by its name in Prometheus. */
export function metricsTable(): string {
  const rows = Object.values<MetricDefinition>(METRICS).map((metric) => [
    `\`${prometheusName(metric)}\``,
    metric.shared ? 'gauge, shared' : metric.kind,
    metric.unit === 's' ? 'seconds' : metric.unit.replaceAll(/[{}]/g, '') || '0 or 1',
    metric.attributes.map((name) => `\`${prometheusLabel(name)}\``).join(', ') || 'none',
    metric.help,
  ]);
  return table(['metric', 'kind', 'unit', 'labels', 'meaning'], rows);
}
