import type { BoundHandler } from '../../core/delivery.js';
import type { ConsumerPlan } from '../plan/plan.js';
import { Slots } from '../plan/slots.js';

const handlersOf = ({ tables }: ConsumerPlan): BoundHandler[] =>
  [...tables.values()].flatMap((table) => table.handlers);

export const takesBatches = (plan: ConsumerPlan): boolean =>
  handlersOf(plan).some(({ batch }) => batch);

/** How many deliveries of a plan are under way at a time, and whom they share that bound with. */
export interface ConcurrencyLimits {
  readonly limit: number;
  readonly shared: Slots;
}

/**
 * What is collected runs nothing: batches take places of the transport when they start, not their
 * messages. So a consumer with batches has places of its own: for all that runs, and for one batch
 * more of each handler.
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
