import type { Delivery } from '../../core/delivery.js';
import type { EventBus } from '../../core/event-bus.js';

/** Most event types remembered. Further ones are not reported. */
const MOST = 1000;

/** Reports each event type that is acknowledged without being handled, once. */
export class FilteredTypes {
  private readonly told = new Set<string>();

  constructor(private readonly events: EventBus) {}

  tell({ stream, group, eventType }: Delivery): void {
    if (this.told.size >= MOST) return;
    const key = JSON.stringify([stream, group, eventType]);
    if (this.told.has(key)) return;
    this.told.add(key);
    this.events.emit('event-filtered', { stream, group, eventType });
  }
}
