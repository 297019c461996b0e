import type { Clock } from '../../core/clock.js';
import { errorRecord } from '../../core/errors/error-record.js';
import type { Delivery, Handler } from '../../core/delivery.js';
import type { Middleware } from '../../core/middleware.js';
import type { Replies } from '../../ports/replies.js';
import { ack, retry, type Settlement } from '../../core/settlement.js';

/** Wait after the time could not be read, in milliseconds. */
const ASK_AGAIN = 1000;

/**
 * Does not run a request whose caller no longer waits. The age of a request is measured by the
 * clock that has stamped it, because the clocks of two machines differ.
 */
export function expire(replies: Replies | undefined, clock: Clock): Middleware {
  return (delivery, next) => {
    if (!delivery.request) return next(delivery);
    const now = replies!.now();
    return typeof now === 'number'
      ? unlessExpired(delivery, next, now)
      : whenKnown(now, delivery, next);
  };

  function unlessExpired(delivery: Delivery, next: Handler, now: number): Promise<Settlement> {
    const request = delivery.request!;
    const left = delivery.lease.publishedAt + request.header.timeout - now;
    if (left <= 0) return Promise.resolve({ ...ack, unrun: 'expired' });
    request.giveUpAt = clock.now() + left;
    return next(delivery);
  }

  async function whenKnown(
    asking: Promise<number>,
    delivery: Delivery,
    next: Handler,
  ): Promise<Settlement> {
    let now: number;
    try {
      now = await asking;
    } catch (error) {
      return retry(ASK_AGAIN, errorRecord(error));
    }
    return unlessExpired(delivery, next, now);
  }
}
