import type { Clock } from '../../core/clock.js';
import { HandlerTimeoutError } from '../../core/errors/handling.errors.js';
import type { Middleware } from '../../core/middleware.js';

/**
 * For handlers with a `timeout`: fails a run that takes longer. The method itself cannot be
 * stopped; its signal aborts.
 */
export function timeout(clock: Clock): Middleware {
  return (delivery, next) => {
    const limit = delivery.handler!.timeout!;
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
  };
}
