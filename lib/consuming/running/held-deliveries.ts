import { Chain } from '../../core/collections/chain.js';
import type { Delivery } from '../../core/delivery.js';

/**
 * All deliveries that the source holds for a consumer: buffered, running, parked, being settled.
 */
export class HeldDeliveries extends Chain<Delivery> {
  readonly waiting = new Set<() => void>();

  /** Resolves when no held delivery passes the test. */
  untilNone(wanted: (delivery: Delivery) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        for (const delivery of this) if (wanted(delivery)) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }

  /** Call it when a run or settlement has ended: callers may wait for that. */
  progressed(): void {
    for (const look of this.waiting) look();
  }
}
