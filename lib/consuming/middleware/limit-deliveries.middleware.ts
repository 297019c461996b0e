import type { Middleware } from '../../core/handler.js';
import { deadLetter } from '../../core/settlement.js';

/**
 * An entry that comes back with all its runs used up killed, or froze, the process of the last one:
 * it is not run once more.
 */
export function limitDeliveries(): Middleware {
  return (delivery, next) => {
    const { lease, handler } = delivery;
    const usedUp = !lease.charged && lease.attempt >= handler!.maxDeliveries;
    return usedUp ? Promise.resolve(deadLetter('crashed')) : next(delivery);
  };
}
