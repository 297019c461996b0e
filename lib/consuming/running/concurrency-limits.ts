import type { BoundHandler } from '../../core/delivery.js';
import type { ConsumerPlan } from '../plan/plan.js';
import { Slots } from '../plan/slots.js';

const handlersOf = ({ tables }: ConsumerPlan): BoundHandler[] =>
  [...tables.values()].flatMap((table) => table.handlers);

export const takesBatches = (plan: ConsumerPlan): boolean =>
  handlersOf(plan).some(({ batch }) => batch);

/** How many deliveries of a plan may be under way at a time, and the slots that they share. */
export interface ConcurrencyLimits {
  readonly limit: number;
  readonly shared: Slots;
}

/**
 * Limits for a plan. Collecting messages runs nothing: a batch takes a slot of the transport when
 * it starts, and its messages take none. So a consumer with batches has slots of its own: for all
 * that runs, and for one more batch of each handler.
 */
export function concurrencyLimitsOf(plan: ConsumerPlan, transport: Slots): ConcurrencyLimits {
  if (!takesBatches(plan)) {
    const { limit } = transport;
    return { limit: Math.min(plan.concurrency ?? limit, limit), shared: transport };
  }
  const limit = handlersOf(plan).reduce((sum, { batch, concurrency }) => {
    const runs = Math.min(concurrency ?? transport.limit, transport.limit);
    return sum + (batch ? (runs + 1) * batch.size : runs);
  }, 0);
  return { limit, shared: new Slots(limit) };
}
