import type { Delivery } from './delivery.js';
import type { Settlement } from './settlement.js';

/**
 * One behaviour around a handler. It calls `next` once, or returns a settlement without it. What it
 * throws counts as a failed run, unless it stands before the policy that turns errors into
 * settlements.
 */
export type Middleware = (
  delivery: Delivery,
  next: (delivery: Delivery) => Promise<Settlement>,
) => Promise<Settlement>;
