import type { ErrorRecord } from './errors/error-record.js';
import type { OverrunReason } from './overrun.js';
import type { DeadLetterReason } from './settlement.js';

/** Stream and group of an event. */
export interface In {
  /** Stream of the message or messages. */
  readonly stream: string;
  /** Consumer group. */
  readonly group: string;
}

/** The outcome of a settlement. */
export type SettledOutcome =
  /** The handler completed and the entry is acknowledged. Or a middleware returned `ack`. */
  | 'handled'
  /** A request was answered with an error, `error`. It is not run again. */
  | 'failed'
  /** A request was acknowledged without a run: its caller no longer waits for the answer. */
  | 'expired'
  /** A request was answered with `NOT_A_REQUEST_HANDLER` and not run: its handler is for events. */
  | 'refused'
  /** A step of a workflow that was cancelled was acknowledged without a run. */
  | 'cancelled'
  /**
   * Acknowledged without a run: no consumer of the group handles its event type, or the `filter` of
   * `handler` refused it. See docs/routing.md#events-without-a-handler and
   * docs/routing.md#filter-by-content.
   */
  | 'filtered'
  /** Acknowledged without a run: it was completed before. See docs/idempotency.md. */
  | 'duplicate'
  /**
   * It did not run, uncounted: another delivery of the same key is being handled, or the store could
   * not be reached. It is tried again.
   */
  | 'postponed'
  /** The run failed, the next one is scheduled. */
  | 'retried'
  /** Stored in the dead letter queue, and acknowledged. The event `dead-lettered` follows. */
  | 'dead-lettered'
  /**
   * Given up, and acknowledged: the strategy is `'drop'`. The event `dead-lettered` follows. See
   * docs/dead-letters.md.
   */
  | 'dropped'
  /**
   * Given up, and on hold: it stays pending until an operator releases it. The event `dead-lettered`
   * follows.
   */
  | 'held'
  /**
   * Given up, published to the stream `forwardedTo`, and acknowledged. The event `dead-lettered`
   * follows.
   */
  | 'forwarded'
  /**
   * Not run here, and not counted: another consumer of the group, `receiver`, handles such events,
   * and has it now. See docs/rolling-deploys.md.
   */
  | 'handed-over'
  /** Given back uncharged. */
  | 'released'
  /**
   * Left pending by the policy `unmatched: 'leave'`, or kept pending by a callback that returned
   * `false`.
   */
  | 'left'
  /** Another run owned the entry before this one could be settled. */
  | 'lost'
  /** The entry's data was deleted before a run could begin or be repeated. */
  | 'trimmed';

/** Emitted once per settlement: the source of metrics, traces and logs. */
export interface SettledEvent extends In {
  /** Id of the message. */
  readonly id: string;
  /** The consumer that settled the message. */
  readonly consumer: string;
  /** Empty if it could not be read. */
  readonly eventType: string;
  /** `OrderController.process`; undefined where no handler was found. */
  readonly handler: string | undefined;
  /** What became of the message: docs/events.md#outcomes. */
  readonly outcome: SettledOutcome;
  /** Runs charged so far, this one included if it began: 0 for a new entry that was handed over. */
  readonly attempt: number;
  /**
   * Time from getting its slot until its outcome was known, in milliseconds. 0 if it got no slot.
   */
  readonly duration: number;
  /** Time of publication as the source knows it, in milliseconds since the epoch. */
  readonly publishedAt: number;
  /**
   * Time for which the message waited for its run, in milliseconds, without an intended delay: a first
   * run since the publication, a retry since it was due, others since this process got the message. 0 if
   * it got no slot.
   */
  readonly wait: number;
  /**
   * Time of the run itself, without the settlement, in microseconds. Of a batch: the time of the whole
   * batch. 0 if no run has ended.
   */
  readonly handlerTime: number;
  /** Number of messages of the run: more than 1 for a batch. */
  readonly messages: number;
  /** For a step of a workflow: id of the workflow. */
  readonly workflow?: string;
  /** For `dead-lettered`, `dropped`, `held` and `forwarded`: the reason. */
  readonly reason?: DeadLetterReason;
  /** For `retried` and `postponed`: time until the next try, in milliseconds. */
  readonly delay?: number;
  /** What the run threw: `name`, `message`, `stack`, and `code` where it has one. */
  readonly error?: ErrorRecord;
  /** For `forwarded`: the stream that has the message now. */
  readonly forwardedTo?: string;
  /** For `handed-over`: name of the consumer that has the message now. */
  readonly receiver?: string;
}

/** A method that goes on after its timeout, or after its stream has ended. */
export interface Overrunning extends In {
  /** `OrderController.process` */
  readonly handler: string;
  /** Id of the message; of the first one of a batch. */
  readonly id: string;
  /** 1 in the first run. */
  readonly attempt: number;
  /** Why it overruns: its timeout has passed, or its stream has ended. */
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

/** The events of runs and settlements, by name. */
export interface RunEvents {
  /** One for each settlement, once its outcome is known. */
  settled: SettledEvent;
  /**
   * A method overruns: it goes on after its timeout, or after its stream has ended. More:
   * docs/guarantees.md#methods-that-overrun.
   */
  overrun: Overrunning & {
    /** The consumer that runs the method. */
    readonly consumer: string;
    /** Event type of the message; of the first one of a batch. */
    readonly eventType: string;
    /** Number of its messages: more than 1 for a batch. */
    readonly messages: number;
    /** Time since the start of the run, in milliseconds. */
    readonly runningFor: number;
  };
  /** A method that had overrun has ended. */
  'overrun-ended': Overrunning & {
    /** Time since the start of the run, in milliseconds. */
    readonly duration: number;
  };
  /**
   * A shutdown, or the end of reading some streams, has waited for a second for runs that have not
   * ended. It waits for at most `atMost` more milliseconds.
   */
  'runs-awaited': {
    readonly group: string;
    readonly runs: readonly UnendedRun[];
    readonly atMost: number;
  };
  /**
   * A shutdown, or the end of reading some streams, no longer waits for these runs. Their messages are
   * released, uncounted, and their signals abort.
   */
  'runs-given-up': { readonly group: string; readonly runs: readonly UnendedRun[] };
  /**
   * The same as `settled` once more, for runs that failed and are repeated after `delay`
   * milliseconds.
   */
  'run-failed': SettledEvent;
}
