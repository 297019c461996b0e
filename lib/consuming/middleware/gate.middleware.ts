import type { BoundHandler } from '../../core/delivery.js';
import type { Middleware } from '../../core/handler.js';
import { release } from '../../core/settlement.js';
import { Slots } from '../slots.js';

/** Holds a handler to its own concurrency. What still waits here at a shutdown, or when
 * its entry is lost, never starts. */
export function gate(isStopping: () => boolean): Middleware {
  const gates = new Map<BoundHandler, Slots>();
  return async (delivery, next) => {
    const handler = delivery.handler!;
    if (handler.concurrency === undefined) return next(delivery);
    let slots = gates.get(handler);
    if (!slots) gates.set(handler, (slots = new Slots(handler.concurrency)));
    await slots.take();
    try {
      return isStopping() || delivery.lost ? release : await next(delivery);
    } finally {
      // A run that outlives its timeout keeps its place until it really ends.
      if (delivery.overrun) void delivery.overrun.finally(() => slots.release());
      else slots.release();
    }
  };
}
