import type { Clock } from '../../core/clock.js';
import type { BoundHandler, Delivery, Handler } from '../../core/delivery.js';
import { isOurs } from '../../core/delivery-state.js';
import type { Middleware } from '../../core/middleware.js';
import { release, type Settlement } from '../../core/settlement.js';
import { Slots } from '../plan/slots.js';

/**
 * The slots of handlers with a concurrency of their own, shared by all consumers that feed them.
 */
export type Gates = Map<BoundHandler, Slots>;

/**
 * Limits a handler to its own concurrency, and to the transport's where that is given. A delivery
 * that waits here never starts if its stream is no longer served, or its entry is lost. Batches do
 * not pass: they are limited as a whole.
 */
export function gate(
  gates: Gates,
  isHalted: (delivery: Delivery) => boolean,
  clock: Pick<Clock, 'now'>,
  shared?: Slots,
): Middleware {
  return pass;

  function slotsOf(handler: BoundHandler): Slots | undefined {
    if (handler.concurrency === undefined) return undefined;
    let slots = gates.get(handler);
    if (!slots) gates.set(handler, (slots = new Slots(handler.concurrency)));
    return slots;
  }

  async function pass(delivery: Delivery, next: Handler): Promise<Settlement> {
    const own = slotsOf(delivery.handler!);
    await own?.take();
    await shared?.take();
    delivery.startedAt = clock.now();
    let held = { own, shared };
    const leave = (all: boolean): void => {
      held.shared?.release();
      if (all) held.own?.release();
      held = { own: all ? undefined : held.own, shared: undefined };
    };
    delivery.freeSlots = leave;
    try {
      return isHalted(delivery) || !isOurs(delivery) ? release : await next(delivery);
    } finally {
      // A method that goes on keeps its slots, unless they are given back for it.
      if (delivery.overruns) void delivery.overrun!.ended.then(() => leave(true));
      else leave(true);
    }
  }
}
