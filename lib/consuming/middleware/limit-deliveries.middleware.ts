import type { Middleware } from '../../core/middleware.js';
import { deadLetter } from '../../core/settlement.js';

/**
 * For runs that no read has counted. An entry that comes back with all its runs used up has killed,
 * or stalled, the process of the last run. It does not run once more.
 */
export function limitDeliveries(): Middleware {
  return (delivery, next) => {
    const usedUp = delivery.attempt >= delivery.handler!.maxDeliveries;
    return usedUp ? Promise.resolve(deadLetter('crashed')) : next(delivery);
  };
}
