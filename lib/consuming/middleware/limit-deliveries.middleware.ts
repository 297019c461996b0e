import type { Middleware } from '../../core/handler.js';
import { deadLetter } from '../../core/settlement.js';

/**
 * An entry whose every allowed run began and never settled killed, or froze, its process each time:
 * it is not run once more.
 */
export function limitDeliveries(): Middleware {
  return async (delivery, next) =>
    delivery.attempt > delivery.handler!.maxDeliveries ? deadLetter('crashed') : next(delivery);
}
