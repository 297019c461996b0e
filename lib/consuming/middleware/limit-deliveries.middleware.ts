import type { Middleware } from '../../core/middleware.js';
import { deadLetter } from '../../core/settlement.js';

/**
 * Of runs that no read has counted: an entry that comes back with all its runs used up killed, or froze,
 * the process of the last one. It is not run once more.
 */
export function limitDeliveries(): Middleware {
  return (delivery, next) => {
    const usedUp = delivery.attempt >= delivery.handler!.maxDeliveries;
    return usedUp ? Promise.resolve(deadLetter('crashed')) : next(delivery);
  };
}
