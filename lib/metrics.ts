export {
  StreamsMetricsModule,
  type StreamsMetricsModuleAsyncOptions,
  type StreamsMetricsModuleOptions,
} from './nest/metrics/streams-metrics.module.js';
export type { MetricsOptions, StreamsMetricsModuleExtras } from './nest/metrics/metrics-options.js';
export { StreamsMetrics } from './observability/metrics/streams-metrics.js';
export type { PromRegistry } from './observability/metrics/prom-registry.js';
export type { OtelMetricProducer } from './observability/metrics/otel-producer.js';
