import type { Delivery } from '../../../core/delivery.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { DeadLetterIt } from '../../../core/settlement.js';

/** Most kinds remembered. Further ones are not reported. */
const MOST = 1000;

/** Reports each kind of messages that is dropped, once: of one event type, for one reason. */
export class DroppedKinds {
  private readonly told = new Set<string>();

  constructor(private readonly events: EventBus) {}

  tell(
    { stream, group, id, eventType, handler }: Delivery,
    { reason, error }: Pick<DeadLetterIt, 'reason' | 'error'>,
  ): void {
    if (this.told.size >= MOST) return;
    const key = JSON.stringify([stream, group, eventType, reason]);
    if (this.told.has(key)) return;
    this.told.add(key);
    const event = { stream, group, id, eventType, handler: handler?.name, reason, error };
    this.events.emit('messages-dropped', event);
  }
}
