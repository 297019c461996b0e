import type { Delivery } from '../../core/delivery.js';
import { isOurs } from '../../core/delivery-state.js';
import { errorRecord } from '../../core/errors/error-record.js';
import type { Middleware } from '../../core/middleware.js';
import { postpone, release, retry, type Settlement } from '../../core/settlement.js';
import type { Subscription } from '../../ports/subscription.js';

/** Wait after the source could not be reached, in milliseconds. */
const ASK_AGAIN = 1000;
/** Wait after the source had no room for the data, in milliseconds. */
const WITHOUT_ROOM = 100;

/**
 * Counts a run that does not come straight from a read, which has counted it. Counts at the start,
 * so that a run that kills its process counts, too.
 */
export function charge(subscription: Subscription): Middleware {
  return async (delivery, next) => {
    delivery.charging = true;
    const obstacle = await whyNotStarted(subscription, delivery);
    delivery.charging = delivery.offered = false;
    // The delivery may have been given up meanwhile.
    return obstacle ?? (isOurs(delivery) ? next(delivery) : release);
  };
}

async function whyNotStarted(
  subscription: Subscription,
  { lease, offered }: Delivery,
): Promise<Settlement | undefined> {
  try {
    const outcome = await subscription.begin(lease);
    if (outcome === 'started') return undefined;
    if (outcome === 'later') return postpone(WITHOUT_ROOM);
    // Where an offered entry is gone, another consumer has settled it.
    return { kind: 'lost', why: outcome === 'lost' || offered ? 'taken' : 'trimmed' };
  } catch (error) {
    return retry(ASK_AGAIN, errorRecord(error));
  }
}
