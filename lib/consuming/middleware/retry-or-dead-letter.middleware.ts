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

  function settlementFor(error: unknown, delivery: Delivery): Settlement {
    const record = errorRecord(error);
    if (error instanceof UnrecoverableError) return deadLetter('unrecoverable', record);
    if (error instanceof RetryLaterError) return retry(error.delay, record);
    if (isUnrecoverable(error)) return deadLetter('unrecoverable', record);
    return retry(backoffDelay(delivery.handler!.backoff, delivery.attempt), record);
  }
}

function whileRunsAreLeft(delivery: Delivery, settlement: Settlement): Settlement {
  // Without a handler the run could not even begin, so none was used up.
  if (settlement.kind !== 'retry' || !delivery.handler) return settlement;
  return delivery.attempt >= delivery.handler.maxDeliveries
    ? deadLetter('max-deliveries', settlement.error)
    : settlement;
}
