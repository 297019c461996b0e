import type { Delivery } from '../../core/delivery.js';
import type { Middleware } from '../../core/middleware.js';
import type { Settlement } from '../../core/settlement.js';

/**
 * Stands around the application's middleware, `outer` outside of it and `inner` inside: one that gives a
 * handler up (by a race against a timer, say) has not ended the run, which lasts until the handler ends.
 */
export function outlast(): { readonly outer: Middleware; readonly inner: Middleware } {
  const running = new WeakMap<Delivery, Promise<Settlement>>();
  return {
    inner: (delivery, next) => {
      // No branch: a stack trace is to lead from the handler to its run.
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
