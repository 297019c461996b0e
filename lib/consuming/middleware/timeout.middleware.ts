import type { Clock } from '../../core/clock.js';
import type { Delivery, Handler } from '../../core/delivery.js';
import { HandlerTimeoutError } from '../../core/errors/handling.errors.js';
import type { Middleware } from '../../core/handler.js';
import type { Settlement } from '../../core/settlement.js';

/** Fails a run that takes too long. The method itself cannot be stopped, only told by its signal. */
export function timeout(clock: Clock): Middleware {
  return (delivery, next) => {
    const { timeout: limit, batch } = delivery.handler!;
    // A batch has its time from its own start on.
    return limit === undefined || batch ? next(delivery) : race(clock, limit, delivery, next);
  };
}

function race(clock: Clock, limit: number, delivery: Delivery, next: Handler): Promise<Settlement> {
  const running = next(delivery);
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      const error = new HandlerTimeoutError(delivery.handler!.name, limit);
      delivery.outlived('timeout', running);
      delivery.abort(error);
      reject(error);
    }, limit);
    void running.then(resolve, reject).finally(() => clock.clearTimeout(timer));
  });
}
