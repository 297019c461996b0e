import type { BoundHandler, Delivery, Handler } from '../../core/delivery.js';
import type { Middleware } from '../../core/handler.js';
import { release, type Settlement } from '../../core/settlement.js';
import { Slots } from '../slots.js';

/** The slots of handlers with a concurrency of their own, whatever consumers feed them. */
export type Gates = Map<BoundHandler, Slots>;

/** Holds a handler to its own concurrency. What still waits here when its stream is no longer
 * served, or when its entry is lost, never starts. */
export function gate(gates: Gates, isHalted: (delivery: Delivery) => boolean): Middleware {
  return (delivery, next) =>
    delivery.handler!.concurrency === undefined ? next(delivery) : pass(delivery, next);

  function slotsOf(handler: BoundHandler): Slots {
    let slots = gates.get(handler);
    if (!slots) gates.set(handler, (slots = new Slots(handler.concurrency!)));
    return slots;
  }

  async function pass(delivery: Delivery, next: Handler): Promise<Settlement> {
    const slots = slotsOf(delivery.handler!);
    await slots.take();
    try {
      return isHalted(delivery) || delivery.lost ? release : await next(delivery);
    } finally {
      // A run that outlives its timeout keeps its place until it really ends.
      if (delivery.overrun) void delivery.overrun.finally(() => slots.release());
      else slots.release();
    }
  }
}
