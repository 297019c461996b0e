import type { Watched } from '../../observability/health/watched.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';

/** The parts of a runtime that health looks at. */
export function watchedRuntime(runtime: StreamsRuntime): Watched {
  const { events, clock, readers, overruns, driver, consumers } = runtime;
  return {
    name: runtime.options.name,
    events,
    clock,
    readers,
    overruns,
    phase: () => runtime.phase,
    groupsRead: () =>
      consumers.read.map(({ group, tables }) => ({ group, streams: tables.keys() })),
    groups: driver.groups,
    knowsConsumers: driver.live !== undefined,
  };
}
