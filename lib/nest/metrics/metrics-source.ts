import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import type { MetricsSource } from '../../observability/metrics/event-recorder.js';
import type { SharedSource } from '../../observability/metrics/shared-gauges.js';

/** What the counters and histograms of a transport are fed from. */
export function metricsSource(runtime: StreamsRuntime): MetricsSource {
  const { events, slots, balanced } = runtime;
  return {
    events,
    technology: slots.technology,
    destinationOf(stream, group) {
      for (const plan of balanced.read) {
        // All streams of a service have one table, whose name is that of the service.
        if (plan.group === group) return plan.tables.get(stream)!.stream;
      }
      return stream;
    },
  };
}

/** What the gauges of streams and groups are read from. */
export function sharedSource(runtime: StreamsRuntime): SharedSource {
  const { events, clock, lag, slots, consumers } = runtime;
  return {
    events,
    clock,
    lag,
    deadLetters: slots.deadLetters,
    delays: runtime.driver.delays,
    consumed: () => consumers.read.flatMap(({ tables }) => [...tables.keys()]),
  };
}
