import { AnswerKind } from '../core/answer.js';
import { backoffDelay } from '../core/backoff.js';
import type { Delivery } from '../core/delivery.js';
import { errorRecord } from '../core/errors/error-record.js';
import { RetryLaterError, UnrecoverableError } from '../core/errors/handling.errors.js';
import { ack, deadLetter, retry, type Settlement } from '../core/settlement.js';

/** Something failed that should not be able to: the entry is looked at again after this, ms. */
const AFTER_A_BUG = 1000;

/** The one place that decides between another run and the dead letter queue. */
export class Verdict {
  constructor(private readonly isUnrecoverable: (error: unknown) => boolean) {}

  /** On a run that ended with a settlement. */
  on(delivery: Delivery, settlement: Settlement): Settlement {
    if (delivery.request) return answered(delivery, this.limited(delivery, settlement));
    return this.limited(delivery, settlement);
  }

  private limited(delivery: Delivery, settlement: Settlement): Settlement {
    // Without a handler the run could not even begin, so none was used up.
    if (settlement.kind !== 'retry' || settlement.uncharged || !delivery.handler) return settlement;
    if (delivery.attempt < delivery.handler.maxDeliveries) return settlement;
    const timedOut = delivery.overrun?.reason === 'timeout';
    return deadLetter(timedOut ? 'timed-out' : 'max-deliveries', settlement.error);
  }

  /** On a run that failed. */
  onError(delivery: Delivery, error: unknown): Settlement {
    const record = errorRecord(error);
    if (!delivery.handler) return retry(AFTER_A_BUG, record);
    // Whoever asked decides what to do about it.
    if (delivery.request) return { ...ack, reply: delivery.request.failure(error), error: record };
    if (error instanceof UnrecoverableError) return deadLetter('unrecoverable', record);
    if (this.asked(error)) return deadLetter('unrecoverable', record);
    const later = error instanceof RetryLaterError ? error.delay : Number.NaN;
    // A delay that is no number (a missing header, say) must not become no delay at all.
    const delay = later >= 0 ? later : backoffDelay(delivery.handler.backoff, delivery.attempt);
    const asked = error instanceof RetryLaterError;
    return this.on(delivery, { ...retry(delay, record), ...(asked && { asked }) });
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

/** What ends a request is told to whoever asked: nobody looks for requests among dead letters. */
function answered(delivery: Delivery, settlement: Settlement): Settlement {
  const request = delivery.request!;
  if (settlement.kind === 'ack') {
    if (settlement.reply || settlement.unrun || settlement.filtered) return settlement;
    return { ...settlement, reply: request.answer(AnswerKind.End, '') };
  }
  if (settlement.kind !== 'dead-letter') return settlement;
  const { reason, error } = settlement;
  const code = reason.toUpperCase().replaceAll('-', '_');
  const record = error ?? { name: 'Error', message: `The request could not be handled: ${reason}` };
  return { ...ack, reply: request.failure({ ...record, code }), error: record };
}
