import type { Delivery } from '../../core/delivery.js';
import { move } from '../../core/delivery-state.js';
import { Slots } from '../plan/slots.js';

export interface DispatcherOptions {
  /** Runs at a time of this consumer. */
  readonly limit: number;
  /** The transport's slots, shared by all its consumers. */
  readonly shared: Slots;
  /** One slot for the whole process, for entries that may kill it. */
  readonly suspectLane: Slots;
  /** Runs a delivery, and calls {@link Dispatcher.ended} once its method has really ended. */
  readonly run: (delivery: Delivery) => void;
  /** Called after each run, once its slot is free, and when an overrunning method gives it back. */
  readonly onFreed: () => void;
}

/** Starts deliveries one by one, as slots become free. */
export class Dispatcher {
  /** How often a run has ended or has given back its slot. */
  freed = 0;
  /** Number of methods that run, including those that overrun. */
  private running = 0;
  /** How many of them have given back all their slots. */
  private lent = 0;
  private readonly own: Slots;
  private readonly ready: Delivery[] = [];
  /**
   * Entries whose earlier runs never ended. One of them may kill the process, so they run one at a
   * time.
   */
  readonly suspects: Delivery[] = [];
  private queuedForShared = false;
  private queuedForLane = false;
  private stopped = false;
  private onIdle: (() => void) | undefined;

  constructor(private readonly options: DispatcherOptions) {
    this.own = new Slots(options.limit);
  }

  /** Free slots, less the deliveries that wait for one. Negative where more wait. */
  get capacity(): number {
    const free = Math.min(this.own.free, this.options.shared.free);
    // One delivery may always wait: it queues for a slot of the transport.
    const may = this.running === this.lent ? Math.max(1, free) : free;
    // Only the next suspect takes a slot: the others must not hold up new entries.
    return may - this.ready.length - Math.min(this.suspects.length, 1);
  }

  add(delivery: Delivery): void {
    (delivery.suspect ? this.suspects : this.ready).push(delivery);
  }

  /** Starts all deliveries that can start. */
  readonly pump = (): void => {
    this.queuedForShared = false;
    if (this.suspects.length > 0) this.startSuspect();
    while (this.ready.length > 0 && !this.stopped) {
      if (!this.takeSlot()) return;
      this.start(this.ready.shift()!);
    }
    const { shared } = this.options;
    if (shared.waiting.length > 0) shared.passOn();
  };

  /** Frees the slot of a run. */
  ended(delivery: Delivery): void {
    const lent = delivery.overrun?.lent ?? 'none';
    this.running--;
    if (lent === 'all') this.lent--;
    else this.own.release();
    if (lent === 'none') this.releaseShared(delivery);
    this.pump();
    this.freed++;
    this.options.onFreed();
    if (this.running === 0) this.onIdle?.();
  }

  /** Frees the slot of a run whose method goes on: the shared slot, and with `all` its own, too. */
  lend(delivery: Delivery, all: boolean): void {
    if (all) {
      this.lent++;
      this.own.release();
    }
    this.releaseShared(delivery);
    this.pump();
    this.freed++;
    this.options.onFreed();
  }

  /** Starts nothing any more. Returns the deliveries that had not started. */
  stop(): Delivery[] {
    this.stopped = true;
    return [...this.ready.splice(0), ...this.suspects.splice(0)];
  }

  /** Removes and returns deliveries that have not started and pass the test. */
  take(wanted: (delivery: Delivery) => boolean): Delivery[] {
    const taken = [...this.ready, ...this.suspects].filter(wanted);
    for (const queue of [this.ready, this.suspects]) {
      const rest = queue.filter((delivery) => !wanted(delivery));
      queue.splice(0, queue.length, ...rest);
    }
    return taken;
  }

  /** Sets the number of runs at a time. */
  resize(limit: number): void {
    this.own.limit = limit;
    this.pump();
  }

  /** Resolves when no method runs any more. */
  async idle(): Promise<void> {
    while (this.running > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }

  private releaseShared({ suspect }: Delivery): void {
    if (suspect) this.options.suspectLane.release();
    this.options.shared.release();
  }

  private startSuspect(): void {
    const { suspectLane } = this.options;
    if (this.suspects.length === 0 || this.stopped) return;
    if (!suspectLane.tryTake()) return this.queueForLane();
    if (this.takeSlot()) this.start(this.suspects.shift()!);
    else suspectLane.release();
  }

  private queueForLane(): void {
    if (this.queuedForLane) return;
    this.queuedForLane = true;
    this.options.suspectLane.whenFree(() => {
      this.queuedForLane = false;
      this.startSuspect();
      this.options.suspectLane.passOn();
    });
  }

  private takeSlot(): boolean {
    // A slot of this consumer comes back with its own runs, which pump again. For a shared slot it
    // queues.
    if (!this.own.tryTake()) return false;
    if (this.options.shared.tryTake()) return true;
    this.own.release();
    if (!this.queuedForShared) this.options.shared.whenFree(this.pump);
    this.queuedForShared = true;
    return false;
  }

  private start(delivery: Delivery): void {
    this.running++;
    move(delivery, 'running');
    this.options.run(delivery);
  }
}
