import { hostname } from 'node:os';
import type { Clock } from '../../core/clock.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Driver } from '../../ports/driver.js';
import type { LiveConsumers } from '../../ports/live-consumers.js';
import { VERSION } from './library-version.js';
import { SourceOutages } from './source-outages.js';
import type { LiveParts } from './presence.js';

/** Most warnings remembered. Beyond that some may be repeated. */
const MOST = 1000;

/**
 * What all consumers of a runtime need to announce themselves. Undefined where the driver has no
 * registry.
 */
export function liveParts(
  { application }: { readonly application: string | undefined },
  port: LiveConsumers | undefined,
  events: EventBus,
  clock: Clock,
): LiveParts | undefined {
  if (!port) return undefined;
  const warned = new Set<string>();
  return {
    port,
    process: { host: hostname(), pid: process.pid, application, version: VERSION },
    outages: new SourceOutages(events, clock),
    warnOnce: (code, message) => {
      if (warned.has(message)) return;
      if (warned.size >= MOST) warned.clear();
      warned.add(message);
      events.emit('warning', { code, message });
    },
  };
}

/**
 * The registry of live consumers. Undefined: there is none, or no single message can be handed to
 * another consumer.
 */
export const registryOf = ({
  live,
  source,
}: Pick<Driver, 'live' | 'source'>): LiveConsumers | undefined =>
  source.capabilities.holds === 'entry' ? live : undefined;
