import { AnswerKind } from '../../core/answer.js';
import { backoffDelay } from '../../core/backoff.js';
import type { Delivery } from '../../core/delivery.js';
import { disarm } from '../../core/returned-promise.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { read } from '../../core/errors/text-of.js';
import { RetryLaterError, UnrecoverableError } from '../../core/errors/handling.errors.js';
import { ack, deadLetter, retry, type Settlement } from '../../core/settlement.js';

/** Wait after a failure that should be impossible, in milliseconds. */
const AFTER_A_BUG = 1000;

/** The one place that decides between another run, after which delay, and the dead letters. */
export class RetryPolicy {
  constructor(private readonly isUnrecoverable: (error: unknown) => boolean) {}

  /** Decides after a run that ended with a settlement. */
  on(delivery: Delivery, settlement: Settlement): Settlement {
    if (settlement.kind === 'ack' && !delivery.request) return settlement;
    if (delivery.request) return answered(delivery, this.limited(delivery, settlement));
    return this.limited(delivery, settlement);
  }

  private limited(delivery: Delivery, settlement: Settlement): Settlement {
    // Without a handler the run could not even begin, so no run was used up.
    if (settlement.kind !== 'retry' || settlement.uncharged || !delivery.handler) return settlement;
    const { handler, attempt, overrun } = delivery;
    if (attempt >= handler.maxDeliveries) {
      const reason = overrun?.reason === 'timeout' ? 'timed-out' : 'max-deliveries';
      return deadLetter(reason, settlement.error);
    }
    // A middleware of the application may have made the settlement.
    if (isWait(settlement.delay)) return settlement;
    return { ...settlement, delay: backoffDelay(handler.backoff, attempt) };
  }

  /** Decides after a run that failed. */
  onError(delivery: Delivery, error: unknown): Settlement {
    const record = errorRecord(error);
    if (!delivery.handler) return retry(AFTER_A_BUG, record);
    // The caller of a request decides what to do about the error.
    if (delivery.request) return { ...ack, reply: delivery.request.failure(error), error: record };
    const judged = this.judge(error);
    if (judged === 'unrecoverable') return deadLetter(judged, record);
    const asked = judged === 'later';
    const wait = asked && read(error as RetryLaterError, 'delay');
    // A delay that is no number, for example of a missing header, must not become no delay at all.
    const delay = isWait(wait) ? wait : backoffDelay(delivery.handler.backoff, delivery.attempt);
    return this.on(delivery, { ...retry(delay, record), ...(asked && { asked }) });
  }

  /** The application's function may itself fail, and an error may throw when it is looked at. */
  private judge(error: unknown): 'unrecoverable' | 'later' | undefined {
    try {
      if (error instanceof UnrecoverableError) return 'unrecoverable';
      if (error instanceof RetryLaterError) return 'later';
      const answer: unknown = this.isUnrecoverable(error);
      // A promise is no answer, and must not count as a yes.
      return answer && !disarm(answer) ? 'unrecoverable' : undefined;
    } catch {
      return undefined;
    }
  }
}

const isWait = (delay: unknown): delay is number =>
  Number.isFinite(delay) && (delay as number) >= 0;

/**
 * The caller of a request is told how it ended: no operator looks for requests among dead letters.
 */
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
