import type { ErrorRecord } from './errors/error-record.js';
import type { OverrunReason } from './overrun.js';
import type { DeadLetterReason } from './settlement.js';

/** Stream and group of an event. */
export interface In {
  readonly stream: string;
  readonly group: string;
}

/** The outcome of a settlement. */
export type SettledOutcome =
  | 'handled'
  /** A request was answered with an error. */
  | 'failed'
  /** A request was not run: its caller no longer waits for the answer. */
  | 'expired'
  /** A request was not run: its handler takes events only. */
  | 'refused'
  /** Not run: its workflow was cancelled. */
  | 'cancelled'
  | 'filtered'
  /**
   * Acknowledged without a run: the message was handled before, see the handler option `dedupe`.
   */
  | 'duplicate'
  /**
   * Not run yet: another delivery with the same key is being handled. The message is tried again.
   */
  | 'postponed'
  | 'retried'
  | 'dead-lettered'
  /** Not run here: handed to another consumer of the group, which handles such events. */
  | 'handed-over'
  | 'released'
  | 'left'
  /** Another run owned the entry before it could be settled. */
  | 'lost'
  /** The entry's data was deleted before a run could begin or be repeated. */
  | 'trimmed';

/** Emitted once per settlement: the source of metrics, traces and logs. */
export interface SettledEvent extends In {
  readonly id: string;
  readonly consumer: string;
  readonly eventType: string;
  /** `OrderController.process`; undefined where no handler was found. */
  readonly handler: string | undefined;
  readonly outcome: SettledOutcome;
  /** Runs charged so far, this one included if it began: 0 for a new entry that was handed over. */
  readonly attempt: number;
  /** From the start of the run to its settlement, in milliseconds. */
  readonly duration: number;
  readonly reason?: DeadLetterReason;
  /** For `retried` and `postponed`: time until the next run, in milliseconds. */
  readonly delay?: number;
  readonly error?: ErrorRecord;
  /** For `handed-over`: the consumer that got the message. */
  readonly receiver?: string;
}

/** A method that goes on after its timeout, or after its stream has ended. */
export interface Overrunning extends In {
  /** `OrderController.process` */
  readonly handler: string;
  /** Id of the message; of the first one of a batch. */
  readonly id: string;
  readonly attempt: number;
  readonly reason: OverrunReason;
  /** False: the method keeps its slot, so fewer other messages run. See the option `maxOverrun`. */
  readonly slotGivenBack: boolean;
}

/** A run that has not ended when its consumer, or the reading of its stream, ends. */
export interface UnendedRun {
  readonly stream: string;
  readonly id: string;
  readonly eventType: string;
  /** `OrderController.process` */
  readonly handler: string | undefined;
}
