import type { Delivery } from '../core/delivery.js';
import { errorRecord, RetryLaterError, UnrecoverableError } from '../core/errors.js';
import { deadLetter, retry, type Settlement } from '../core/settlement.js';
import { backoffDelay } from './backoff.js';

/** Something failed that should not be able to: the entry is looked at again after this, ms. */
const AFTER_A_BUG = 1000;

/** The one place that decides between another run and the dead letter queue. */
export class Verdict {
  constructor(private readonly isUnrecoverable: (error: unknown) => boolean) {}

  /** On a run that ended with a settlement. */
  on(delivery: Delivery, settlement: Settlement): Settlement {
    // Without a handler the run could not even begin, so none was used up.
    if (settlement.kind !== 'retry' || !delivery.handler) return settlement;
    return delivery.attempt >= delivery.handler.maxDeliveries
      ? deadLetter('max-deliveries', settlement.error)
      : settlement;
  }

  /** On a run that failed. */
  onError(delivery: Delivery, error: unknown): Settlement {
    const record = errorRecord(error);
    if (!delivery.handler) return retry(AFTER_A_BUG, record);
    if (error instanceof UnrecoverableError) return deadLetter('unrecoverable', record);
    if (this.asked(error)) return deadLetter('unrecoverable', record);
    const later = error instanceof RetryLaterError ? error.delay : Number.NaN;
    // A delay that is no number (a missing header, say) must not become no delay at all.
    const delay = later >= 0 ? later : backoffDelay(delivery.handler.backoff, delivery.attempt);
    return this.on(delivery, retry(delay, record));
  }

  /** What judges errors may itself be wrong. */
  private asked(error: unknown): boolean {
    try {
      return !(error instanceof RetryLaterError) && this.isUnrecoverable(error);
    } catch {
      return false;
    }
  }
}
