// Health checks, for any driver: whether the transports of an application are healthy.
export type {
  HealthCause,
  HealthCode,
  HealthReport,
  HealthStatus,
} from './observability/health/health-report.js';
export type { HealthOptions } from './observability/health/health-options.js';
export { StreamsHealth } from './nest/health/streams-health.js';
export {
  StreamsHealthIndicator,
  type IndicatorOptions,
  type StreamsHealthResult,
} from './nest/health/streams-health.indicator.js';
export {
  StreamsHealthModule,
  type StreamsHealthModuleAsyncOptions,
  type StreamsHealthModuleOptions,
} from './nest/health/streams-health.module.js';
export type {
  HealthModuleOptions,
  StreamsHealthModuleExtras,
} from './nest/health/health-module-options.js';
