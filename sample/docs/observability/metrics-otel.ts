import type { INestApplicationContext } from '@nestjs/common';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { StreamsMetrics } from 'nestjs-redis-streams/metrics';

/** Call it once the application is created. The exporter is, for example, the one for OTLP. */
export function exportMetrics(
  app: INestApplicationContext,
  exporter: PushMetricExporter,
): MeterProvider {
  const metricProducers = [app.get(StreamsMetrics).producer()];
  return new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter, metricProducers })],
  });
}
