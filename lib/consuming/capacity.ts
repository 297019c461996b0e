import type { EventBus } from '../core/event-bus.js';
import type { Dispatcher } from './running/dispatcher.js';
import type { HandOver } from './live-consumers/hand-over.js';
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

/** How many entries a consumer may take in: none while too many wait. */
export class Capacity {
  private paused = false;

  constructor(private readonly options: CapacityOptions) {}

  /**
   * Free slots plus the read-ahead. Zero while too many deliveries wait for a retry or their
   * settlement.
   */
  get free(): number {
    const { maxParked, dispatcher, parkedRetries, readAhead } = this.options;
    const full = this.waiting >= maxParked;
    // Many deliveries that wait for others of their key are not reported, unless a retry holds them
    // up.
    if (this.paused !== (full && (this.paused || parkedRetries.waiting.length > 0)))
      this.togglePause();
    return full || this.isBehind ? 0 : dispatcher.capacity + readAhead.size;
  }

  /**
   * How many handed entries may be taken in while reading is paused. Deliveries that wait here for
   * other consumers must not hold up what those consumers wait for: otherwise two consumers could
   * wait for each other for ever.
   */
  get forHanded(): number {
    const { maxParked, dispatcher, parkedRetries } = this.options;
    const { waiting } = this;
    const forOthers = parkedRetries.unhandled + this.handedOver;
    if (waiting < maxParked || waiting - forOthers >= maxParked || this.isBehind) return 0;
    return dispatcher.capacity;
  }

  /**
   * Too many deliveries wait for their settlement, or may kill the process, or some are being given
   * back and no later one may overtake them.
   */
  private get isBehind(): boolean {
    const { maxParked, batchSize, dispatcher, settler, ordering } = this.options;
    if (ordering?.isGivingBack) return true;
    return settler.pending > 4 * batchSize || dispatcher.suspects.length >= maxParked;
  }

  /** Deliveries that wait for a retry, for others of their key, or for another consumer. */
  private get waiting(): number {
    const { parkedRetries, ordering } = this.options;
    return parkedRetries.waiting.length + (ordering?.waiting ?? 0) + this.handedOver;
  }

  /** Deliveries for which another consumer is looked for, or that are on their way to one. */
  private get handedOver(): number {
    const handOver = this.options.handOver();
    return handOver ? handOver.undecided.size + handOver.transfers.size : 0;
  }

  private togglePause(): void {
    this.paused = !this.paused;
    const { events, plan } = this.options;
    if (!this.paused) events.emit('reading-resumed', { group: plan.group });
    else events.emit('reading-paused', { group: plan.group, parked: this.waiting });
  }
}
