import type { ErrorRecord } from './errors/error-record.js';
import type { In, SettledEvent } from './run-events.js';
import type { DeadLetterReason } from './settlement.js';

/** Events of messages that are given up. */
export interface DeadLetterEvents {
  /**
   * The same as `settled` once more, for messages that are given up only: for alarms that need not
   * check every message. `outcome` says what became of the message: `dead-lettered`, `dropped`,
   * `held` or `forwarded`.
   */
  'dead-lettered': SettledEvent;
  /**
   * Messages of this event type are given up for this reason, and dropped. Raised once for each event
   * type and reason, for the first 1,000 of these: docs/dead-letters.md.
   */
  'messages-dropped': In & {
    readonly id: string;
    readonly eventType: string;
    readonly handler: string | undefined;
    readonly reason: DeadLetterReason;
    /** Undefined: the reason says all, such as `unmatched`. */
    readonly error: ErrorRecord | undefined;
  };
  /**
   * The strategy for a message that is given up could not decide: a function of the option
   * `deadLetter` threw, took longer than 30 s, or returned no strategy; or the message was forwarded
   * too often. `action` is what becomes of the message instead.
   */
  'strategy-failed': In & {
    readonly id: string;
    readonly eventType: string;
    readonly handler: string | undefined;
    readonly error: Error;
    readonly action: 'queue' | 'hold' | 'drop';
  };
}
