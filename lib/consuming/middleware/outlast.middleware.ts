import type { Delivery } from '../../core/delivery.js';
import type { Middleware } from '../../core/middleware.js';
import type { Settlement } from '../../core/settlement.js';

/**
 * Two middlewares around those of the application, `outer` outside and `inner` inside. A middleware
 * that gives a handler up, for example by racing a timer, has not ended the run: the run lasts
 * until the handler ends.
 */
export function outlast(): { readonly outer: Middleware; readonly inner: Middleware } {
  const running = new WeakMap<Delivery, Promise<Settlement>>();
  return {
    inner: (delivery, next) => {
      // Without a branch, so that a stack trace leads from the handler to its run.
      const work = next(delivery).finally(() => running.delete(delivery));
      running.set(delivery, work);
      return work;
    },
    outer: async (delivery, next) => {
      try {
        return await next(delivery);
      } finally {
        const work = running.get(delivery);
        if (work) {
          delivery.outlived('stream-ended', work);
          await work.catch(() => undefined);
        }
      }
    },
  };
}
