import { StreamsHealthModule } from 'nestjs-redis-streams/health';
import { StreamsMetricsModule } from 'nestjs-redis-streams/metrics';
import { StreamsTracingModule } from 'nestjs-redis-streams/tracing';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { EventBus } from '../../../lib/core/event-bus.js';
import { StreamsMetrics } from '../../../lib/observability/metrics/streams-metrics.js';

it('a registry whose metrics of the library are replaced is told of once, and one that was freed is not', () => {
  const registry = new Registry();
  const warnings: [string, string][] = [];
  const metrics = (name: string): StreamsMetrics => {
    const made = new StreamsMetrics();
    const events = new EventBus();
    events.on('warning', ({ code }) => warnings.push([name, code]));
    made.follow({ events, technology: 'redis', destinationOf: (stream: string) => stream });
    return made;
  };
  metrics('first').register(registry);
  expect(warnings).toEqual([]);
  const free = metrics('second').register(registry);
  expect(warnings).toEqual([['second', 'METRICS_REPLACED']]);
  free();
  metrics('third').register(registry);
  expect(warnings).toHaveLength(1);
});

it.each([
  ['StreamsMetricsModule', () => StreamsMetricsModule],
  ['StreamsHealthModule', () => StreamsHealthModule],
  ['StreamsTracingModule', () => StreamsTracingModule],
])('%s refuses a name that is given twice, because everything would count twice', (_, module) => {
  const make = () => module().forRoot({ names: ['default', 'default'] });
  expect(make).toThrow('names must be a list of names of modules, each once');
  expect(() => module().forRoot({ names: ['default', 'billing'] })).not.toThrow();
});
