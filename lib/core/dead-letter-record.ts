import type { ErrorRecord } from './errors/error-record.js';
import type { DeadLetterReason } from './settlement.js';

/** What is stored with a dead letter beside the original fields. */
export interface DeadLetterRecord {
  /** Stream and id of the first publication. */
  readonly stream: string;
  /** Id of the message. */
  readonly id: string;
  /** The group that gave the message up. */
  readonly group: string;
  /** The consumer that ran it last. */
  readonly consumer: string;
  /** Runs that were charged. 0 where the message never ran. */
  readonly attempts: number;
  /** Why it was dead-lettered. */
  readonly reason: DeadLetterReason;
  /** What the last run threw. */
  readonly error?: ErrorRecord;
  /** ISO 8601. */
  readonly publishedAt: string;
  /** ISO 8601. */
  readonly deadLetteredAt: string;
}
