export {
  StreamsTracingModule,
  type StreamsTracingModuleAsyncOptions,
  type StreamsTracingModuleExtras,
  type StreamsTracingModuleOptions,
} from './nest/tracing/streams-tracing.module.js';
export { streamsTracing } from './observability/tracing/streams-tracing.js';
export type { TracingOptions } from './observability/tracing/tracing-options.js';
