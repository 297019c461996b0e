import type { EventBus } from '../core/event-bus.js';
import type { Dispatcher } from './running/dispatcher.js';
import type { HandOver } from './live/hand-over.js';
import type { Ordering } from './ordering/ordering.js';
import type { ParkedRetries } from './running/parked-retries.js';
import type { ConsumerPlan } from './plan/plan.js';
import type { ReadAhead } from './reading/read-ahead.js';
import type { Settler } from './settling/settler.js';

export interface CapacityOptions {
  readonly plan: ConsumerPlan;
  readonly events: EventBus;
  readonly maxParked: number;
  readonly batchSize: number;
  readonly dispatcher: Dispatcher;
  readonly parkedRetries: ParkedRetries;
  readonly ordering: Ordering | undefined;
  readonly handOver: () => HandOver | undefined;
  readonly settler: Settler;
  readonly readAhead: ReadAhead;
}

/** How much a consumer may take in: nothing while too much waits. */
export class Capacity {
  private paused = false;

  constructor(private readonly options: CapacityOptions) {}

  /** Free slots plus the read-ahead; nothing while too much waits to be retried or settled. */
  get free(): number {
    const { maxParked, dispatcher, parkedRetries, readAhead } = this.options;
    const full = this.waiting >= maxParked;
    // Many that wait for others of their key are nothing to tell of, unless a retry holds them up.
    if (this.paused !== (full && (this.paused || parkedRetries.size > 0))) this.togglePause();
    return full || this.isBehind ? 0 : dispatcher.room + readAhead.size;
  }

  /**
   * How much of what was handed over may be taken in while reading is paused: what waits here for other
   * consumers must not hold up what they wait for. Else two consumers could wait for each other for ever.
   */
  get forHanded(): number {
    const { maxParked, dispatcher, parkedRetries, handOver } = this.options;
    const { waiting } = this;
    const forOthers = parkedRetries.unhandled + (handOver()?.size ?? 0);
    if (waiting < maxParked || waiting - forOthers >= maxParked || this.isBehind) return 0;
    return dispatcher.room;
  }

  /** Too much waits to be settled, or may kill the process. */
  private get isBehind(): boolean {
    const { maxParked, batchSize, dispatcher, settler } = this.options;
    return settler.pending > 4 * batchSize || dispatcher.suspectsWaiting >= maxParked;
  }

  /** For a retry, for others of their key, or for another consumer. */
  private get waiting(): number {
    const { parkedRetries, ordering, handOver } = this.options;
    return parkedRetries.size + (ordering?.waiting ?? 0) + (handOver()?.size ?? 0);
  }

  private togglePause(): void {
    this.paused = !this.paused;
    const { events, plan } = this.options;
    if (!this.paused) events.emit('reading-resumed', { group: plan.group });
    else events.emit('reading-paused', { group: plan.group, parked: this.waiting });
  }
}
