import type { Delivery } from '../../core/delivery.js';
import { storedError } from '../../core/errors/error-record.js';
import { bounded, textOf } from '../../core/errors/text-of.js';
import { isoTime } from '../../core/message.js';
import type { DeadLetterIt } from '../../core/settlement.js';
import type { DeadLetterRecord } from '../../core/dead-letter-record.js';

/** In bytes. */
const LONGEST_REASON = 1024;

/** @param now as `wallTime` of a clock */
export function deadLetterRecord(
  delivery: Delivery,
  settlement: DeadLetterIt,
  now: number,
): DeadLetterRecord {
  const { lease } = delivery;
  return {
    stream: lease.stream,
    id: lease.id,
    group: delivery.group,
    consumer: delivery.consumer,
    attempts: lease.attempt,
    // The application may have given any value. Texts are stored.
    reason: bounded(textOf(settlement.reason), LONGEST_REASON),
    ...(settlement.error && { error: storedError(settlement.error) }),
    publishedAt: isoTime(lease.publishedAt),
    deadLetteredAt: isoTime(now),
  };
}
