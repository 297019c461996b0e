// @ts-check
import { streamsTracing } from 'nestjs-redis-streams/tracing';
import { consuming } from './ours.js';

/** Traced, in a process without an SDK of OpenTelemetry. @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume(options, handle) {
  const app = await consuming(options, handle, { instrumentation: streamsTracing() });
  return () => app.close();
}
