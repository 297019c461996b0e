import type { Delivery } from '../../core/delivery.js';
import { errorRecord, RetryLaterError, UnrecoverableError } from '../../core/errors.js';
import type { Middleware } from '../../core/handler.js';
import { deadLetter, retry, type Settlement } from '../../core/settlement.js';
import { backoffDelay } from '../backoff.js';

/** The one place that decides between another run and the dead letter queue. */
export function retryOrDeadLetter(isUnrecoverable: (error: unknown) => boolean): Middleware {
  return async (delivery, next) => {
    try {
      return whileRunsAreLeft(delivery, await next(delivery));
    } catch (error) {
      return whileRunsAreLeft(delivery, settlementFor(error, delivery));
    }
  };

  /** What judges errors may itself be wrong. */
  function asked(error: unknown): boolean {
    try {
      return !(error instanceof RetryLaterError) && isUnrecoverable(error);
    } catch {
      return false;
    }
  }

  function settlementFor(error: unknown, delivery: Delivery): Settlement {
    const record = errorRecord(error);
    if (error instanceof UnrecoverableError) return deadLetter('unrecoverable', record);
    if (asked(error)) return deadLetter('unrecoverable', record);
    const later = error instanceof RetryLaterError ? error.delay : Number.NaN;
    // A delay that is no number (a missing header, say) must not become no delay at all.
    const delay = later >= 0 ? later : backoffDelay(delivery.handler!.backoff, delivery.attempt);
    return retry(delay, record);
  }
}

function whileRunsAreLeft(delivery: Delivery, settlement: Settlement): Settlement {
  // Without a handler the run could not even begin, so none was used up.
  if (settlement.kind !== 'retry' || !delivery.handler) return settlement;
  return delivery.attempt >= delivery.handler.maxDeliveries
    ? deadLetter('max-deliveries', settlement.error)
    : settlement;
}
