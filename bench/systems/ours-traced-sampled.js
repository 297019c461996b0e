// @ts-check
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/** Gets each span, and keeps none. @type {import('@opentelemetry/sdk-trace-node').SpanProcessor} */
const dropping = {
  onStart: () => undefined,
  onEnd: () => undefined,
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};
new NodeTracerProvider({ spanProcessors: [dropping] }).register();

export { consume } from './ours-traced.js';
