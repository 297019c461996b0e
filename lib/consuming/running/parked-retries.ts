import type { Clock, TimerHandle } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';

interface Parked {
  readonly delivery: Delivery;
  readonly due: number;
}

/**
 * Failed deliveries that wait for their next run, ordered by due time, with one timer for all of
 * them.
 */
export class ParkedRetries {
  readonly waiting: Parked[] = [];
  private timer: TimerHandle | undefined;
  private timerDue = Infinity;
  private unhandledOnes = 0;

  /** @param onDue called with each delivery when it is due */
  constructor(
    private readonly clock: Clock,
    private readonly onDue: (delivery: Delivery) => void,
  ) {}

  /** How many of them wait for another consumer that handles their events. */
  get unhandled(): number {
    return this.unhandledOnes;
  }

  add(delivery: Delivery, delay: number): void {
    if (delivery.unhandled) this.unhandledOnes++;
    const due = this.clock.now() + delay;
    this.waiting.splice(this.placeOf(due), 0, { delivery, due });
    this.arm();
  }

  remove(delivery: Delivery): boolean {
    const index = this.waiting.findIndex((parked) => parked.delivery === delivery);
    if (index < 0) return false;
    this.waiting.splice(index, 1);
    this.left(delivery);
    return true;
  }

  /** Removes and returns deliveries that pass the test. */
  take(wanted: (delivery: Delivery) => boolean): Delivery[] {
    const taken = this.waiting.map(({ delivery }) => delivery).filter(wanted);
    for (const delivery of taken) this.remove(delivery);
    if (this.waiting.length === 0) this.disarm();
    return taken;
  }

  private placeOf(due: number): number {
    let low = 0;
    let high = this.waiting.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.waiting[middle]!.due <= due) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private arm(): void {
    const first = this.waiting[0];
    if (!first || first.due >= this.timerDue) return;
    this.disarm();
    this.timerDue = first.due;
    this.timer = this.clock.setTimeout(
      () => this.wake(),
      Math.max(0, first.due - this.clock.now()),
    );
  }

  private disarm(): void {
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.timerDue = Infinity;
  }

  private wake(): void {
    this.disarm();
    const now = this.clock.now();
    while (this.waiting[0] && this.waiting[0].due <= now) {
      const { delivery } = this.waiting.shift()!;
      this.left(delivery);
      this.onDue(delivery);
    }
    this.arm();
  }

  private left({ unhandled }: Delivery): void {
    if (unhandled) this.unhandledOnes--;
  }
}
