import type { LagWatch } from '../admin/lag/lag-watch.js';
import { StreamRetention } from '../admin/retention/stream-retention.js';
import { StreamsAdmin, type AdminParts } from '../admin/streams-admin.js';
import type { EventBus } from '../core/event-bus.js';
import type { ResolvedOptions } from '../options/streams-options.js';
import type { BoundSlots } from './slots/bound-slots.js';

interface Parts {
  readonly options: ResolvedOptions;
  readonly slots: BoundSlots;
  readonly lag: LagWatch;
  readonly onScheduled: AdminParts['onScheduled'];
  readonly events: EventBus;
}

/** Makes the operations on streams from the driver and the slots of a runtime. */
export function createAdmin({ options, slots, lag, onScheduled, events }: Parts): StreamsAdmin {
  const { driver, technology, deadLetters } = slots;
  return new StreamsAdmin({
    technology,
    codec: options.codec,
    ids: driver.ids,
    groups: driver.groups,
    pending: driver.pending,
    live: driver.live,
    deadLetters,
    held: driver.held,
    retention: new StreamRetention(driver, options.retention),
    lag,
    delays: driver.delays,
    onScheduled,
    events,
  });
}
