import type { Delivery } from './delivery.js';
import { move } from './delivery-state.js';
import { OwnershipLostError } from './errors/handling.errors.js';

/** Another run has the entry: a delivery that is not being settled yet does not start, or ends unsettled. */
export function disown(delivery: Delivery): void {
  // The answer to its settlement says whose entry it is.
  if (delivery.state === 'settling') return;
  if (!move(delivery, delivery.state === 'running' ? 'disowned' : 'lost')) return;
  delivery.abort(new OwnershipLostError(delivery.stream, delivery.id));
}
