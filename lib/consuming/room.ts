import type { EventBus } from '../core/events.js';
import type { Dispatcher } from './dispatcher.js';
import type { HandOver } from './live/hand-over.js';
import type { Ordering } from './ordering/ordering.js';
import type { Parking } from './parking.js';
import type { ConsumerPlan } from './plan.js';
import type { ReadAhead } from './read-ahead.js';
import type { Settler } from './settler.js';

export interface RoomOptions {
  readonly plan: ConsumerPlan;
  readonly events: EventBus;
  readonly maxParked: number;
  readonly batchSize: number;
  readonly dispatcher: Dispatcher;
  readonly parking: Parking;
  readonly ordering: Ordering | undefined;
  readonly handOver: () => HandOver | undefined;
  readonly settler: Settler;
  readonly readAhead: ReadAhead;
}

/** How much a consumer may take in: nothing while too much waits. */
export class Room {
  private paused = false;

  constructor(private readonly options: RoomOptions) {}

  /** Free slots plus the read-ahead; nothing while too much waits to be retried or settled. */
  get free(): number {
    const { maxParked, batchSize, dispatcher, parking, settler, readAhead } = this.options;
    const full = this.waiting >= maxParked;
    // Many that wait for others of their key are nothing to tell of, unless a retry holds them up.
    if (this.paused !== (full && (this.paused || parking.size > 0))) this.togglePause();
    if (full || settler.pending > 4 * batchSize) return 0;
    if (dispatcher.suspectsWaiting >= maxParked) return 0;
    return dispatcher.room + readAhead.size;
  }

  /** For a retry, for others of their key, or for another consumer. */
  private get waiting(): number {
    const { parking, ordering, handOver } = this.options;
    return parking.size + (ordering?.waiting ?? 0) + (handOver()?.size ?? 0);
  }

  private togglePause(): void {
    this.paused = !this.paused;
    const { events, plan } = this.options;
    if (!this.paused) events.emit('reading-resumed', { group: plan.group });
    else events.emit('reading-paused', { group: plan.group, parked: this.waiting });
  }
}
