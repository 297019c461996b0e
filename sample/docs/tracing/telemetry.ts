import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  NodeTracerProvider,
} from '@opentelemetry/sdk-trace-node';

// In production an exporter of your backend, for example that of the package
// @opentelemetry/exporter-trace-otlp-proto.
const spanProcessors = [new BatchSpanProcessor(new ConsoleSpanExporter())];
new NodeTracerProvider({ spanProcessors }).register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
