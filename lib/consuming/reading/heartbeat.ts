import { asError } from '../../core/errors/error-record.js';
import type { Chain } from '../../core/collections/chain.js';
import type { Clock, TimerHandle } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { isLost } from '../../core/delivery-state.js';
import { grouped } from '../../core/collections/grouped.js';
import type { EventBus } from '../../core/event-bus.js';
import type { ExtendOutcome } from '../../core/lease.js';
import type { Subscription } from '../../ports/subscription.js';
import type { Worker } from '../../core/worker.js';

/**
 * Wait after a failure, in milliseconds: after an outage the entries must be kept fresh before
 * other consumers take them over.
 */
const TRY_AGAIN = 100;

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly subscription: Subscription;
  readonly idleTimeout: number;
  readonly maxHold: number;
  /** All deliveries that the consumer holds: buffered, running, parked. */
  readonly held: Chain<Delivery>;
  /** Called when this consumer no longer owns the entry of a delivery. */
  readonly onLost: (delivery: Delivery, outcome: Exclude<ExtendOutcome, 'held'>) => void;
}

/** Keeps held entries from being taken over, as long as this process lives and `maxHold` allows. */
export class Heartbeat implements Worker {
  private readonly interval: number;
  private timer: TimerHandle | undefined;
  private running = false;

  constructor(private readonly options: HeartbeatOptions) {
    this.interval = Math.max(1, Math.floor(options.idleTimeout / 4));
  }

  async start(): Promise<void> {
    this.running = true;
    this.arm();
  }

  async stop(): Promise<void> {
    this.running = false;
    if (this.timer !== undefined) this.options.clock.clearTimeout(this.timer);
  }

  private arm(wait = this.interval): void {
    if (!this.running) return;
    this.timer = this.options.clock.setTimeout(() => {
      void this.beat().then((done) => this.arm(done ? this.interval : TRY_AGAIN));
    }, wait);
  }

  /** @returns whether the source has answered for all of them */
  private async beat(): Promise<boolean> {
    const lanes = grouped(this.due(), (delivery) => delivery.lease.lane);
    const asked = await Promise.all([...lanes.values()].map((due) => this.extend(due)));
    return asked.every(Boolean);
  }

  private async extend(due: readonly Delivery[]): Promise<boolean> {
    const now = this.options.clock.now();
    try {
      const outcomes = await this.options.subscription.extend(due.map(({ lease }) => lease));
      for (const [index, delivery] of due.entries()) {
        const outcome = outcomes[index]!;
        if (outcome === 'held') delivery.freshAt = now;
        else if (this.options.held.has(delivery)) this.options.onLost(delivery, outcome);
      }
      return true;
    } catch (error) {
      this.options.events.emit('worker-error', { worker: 'heartbeat', error: asError(error) });
      return false;
    }
  }

  private due(): Delivery[] {
    const now = this.options.clock.now();
    const due: Delivery[] = [];
    for (const delivery of this.options.held) {
      if (now - delivery.freshAt < this.interval || isLost(delivery) || delivery.charging) continue;
      if (delivery.offered) continue;
      const maxHold = delivery.handler?.maxHold ?? this.options.maxHold;
      if (delivery.heldFrom > 0 && now - delivery.heldFrom > maxHold) continue;
      due.push(delivery);
    }
    return due;
  }
}
