import type { ErrorRecord } from './errors/error-record.js';
import type { Completion } from './completion.js';
import type { OutgoingEntry } from './message.js';
import type { LastReply } from './reply.js';
import type { SettledStep } from './workflow.js';

/** Why an entry was dead-lettered. The words are stored with each dead letter and never change. */
export type DeadLetterReason =
  /** Every allowed run failed. */
  | 'max-deliveries'
  /** The handler threw `UnrecoverableError`, or `isUnrecoverable(error)` returned true. */
  | 'unrecoverable'
  /** A pipe refused the payload, so no later run can succeed. */
  | 'rejected'
  /** The codec could not decode the entry. */
  | 'undecodable'
  /** No handler of this stream and group takes this event type. */
  | 'unmatched'
  /** The process died, or was stalled, in the last allowed run. */
  | 'crashed'
  /** The last allowed run took longer than the handler's `timeout`. */
  | 'timed-out'
  /** The handler asked for it: `context.deadLetter(reason)`. */
  | (string & {});

/**
 * The work is done, or the event is not for this group: forget the entry, and publish what follows
 * from it.
 */
export interface Ack {
  readonly kind: 'ack';
  /**
   * Messages that are published in the same step as the acknowledgement, where the technology can.
   * Those with `when` are stored until then.
   */
  readonly publish?: readonly OutgoingEntry[];
  /**
   * Acknowledged without a run, because the stream is declared to carry event types that this group
   * does not handle, or because the handler's `filter` refused the message.
   */
  readonly filtered?: boolean;
  /**
   * For a deduplicated handler: the completion that is recorded in the same step, where the
   * technology can.
   */
  readonly completes?: Completion;
  /** For a request: the last answer, written before the acknowledgement. */
  readonly reply?: LastReply;
  /**
   * Why it was not run: its request has expired or was refused, it was handled before, or its
   * workflow was cancelled.
   */
  readonly unrun?: 'expired' | 'refused' | 'duplicate' | 'cancelled';
  /** For a step of a workflow: the record of the step. */
  readonly step?: SettledStep;
  /** For a request: the error that its caller was told. It is not run again. */
  readonly error?: ErrorRecord;
}
/** The run failed: run it again, in `delay` milliseconds at the earliest. */
export interface Retry {
  readonly kind: 'retry';
  readonly delay: number;
  readonly error?: ErrorRecord;
  /** It has not run: a run that was counted for it is taken back. */
  readonly uncharged?: boolean;
  /** The handler asked for another run: this run has not failed. */
  readonly asked?: boolean;
  /**
   * The message keeps its place, because others of its key wait behind it, or because a method of it
   * still runs: the outcome is not `moved`.
   */
  readonly inPlace?: boolean;
}
/** What a strategy has decided for one message, ready to be carried out. */
export type DecidedAction = 'queue' | 'drop' | 'hold' | { readonly forward: OutgoingEntry };

/** Store the entry with its raw fields among the dead letters, then forget it. */
export interface DeadLetterIt {
  readonly kind: 'dead-letter';
  readonly reason: DeadLetterReason;
  readonly error?: ErrorRecord;
  /**
   * What the strategy of the handler has decided. A source is given `queue` and, where it has the
   * port for that, `hold`; the engine carries out all others. @default 'queue'
   */
  readonly action?: DecidedAction;
}
/** Give the entry back so that any consumer may take it at once. An unfinished run is not charged. */
export interface Release {
  readonly kind: 'release';
  /**
   * Give it to other consumers only. The source keeps the lease, and hands the entry out here again
   * only after another consumer has had it. The lease may `begin` where no other consumer has taken
   * the entry meanwhile.
   */
  readonly elsewhere?: boolean;
}
/** Leave the entry pending: it is not kept fresh any more, and a run of it is not charged. */
export interface Leave {
  readonly kind: 'leave';
}
/** Another run owns the entry: this run settles nothing. */
export interface Lost {
  readonly kind: 'lost';
  /** `trimmed`: the entry's data was deleted before it could run. */
  readonly why: 'taken' | 'trimmed';
}

/**
 * No handler of this consumer takes the event: the consumer looks for another consumer that does.
 * Never reaches a source.
 */
export interface Unhandled {
  readonly kind: 'unhandled';
}
/** The entry was handed, uncharged, to another consumer of the group. Never reaches a source. */
export interface HandedOver {
  readonly kind: 'handed-over';
  /** Name of the other consumer. */
  readonly receiver: string;
}

/** What should become of a delivery, as plain data. */
export type Settlement =
  Ack | Retry | DeadLetterIt | Release | Leave | Lost | Unhandled | HandedOver;

const KINDS: Readonly<Record<Settlement['kind'], true>> = {
  ack: true,
  retry: true,
  'dead-letter': true,
  release: true,
  leave: true,
  lost: true,
  unhandled: true,
  'handed-over': true,
};

/** Whether a value from the application is a settlement. */
export const isSettlement = (value: unknown): value is Settlement =>
  typeof value === 'object' &&
  value !== null &&
  Object.hasOwn(KINDS, (value as { kind?: PropertyKey }).kind ?? '');

/**
 * What a source returns: settled; `lost`: another consumer or run owns the entry; `gone`: no
 * consumer has it pending any more; `unheld`: the entry of a dead letter to be held has no data any
 * more, and nothing was done; `moved`: the source keeps the message of a retry elsewhere until it is
 * due, and hands it out then, to any consumer, in a new lease. This lease is over.
 */
export type SettleOutcome = 'settled' | 'lost' | 'gone' | 'unheld' | 'moved';

/** The work is done: acknowledges the message. */
export const ack: Ack = { kind: 'ack' };
export const filtered: Ack = { kind: 'ack', filtered: true };
export const duplicate: Ack = { kind: 'ack', unrun: 'duplicate' };
export const release: Release = { kind: 'release' };
export const releaseElsewhere: Release = { kind: 'release', elsewhere: true };
export const leave: Leave = { kind: 'leave' };
export const taken: Lost = { kind: 'lost', why: 'taken' };
export const trimmed: Lost = { kind: 'lost', why: 'trimmed' };
export const unhandled: Unhandled = { kind: 'unhandled' };
/** The run failed: the message runs again, in `delay` milliseconds at the earliest. */
export const retry = (delay: number, error?: ErrorRecord): Retry => ({
  kind: 'retry',
  delay: delay > 0 ? delay : 0,
  error,
});
/** The run could not begin yet: tried again in `delay` milliseconds, and not counted. */
export const postpone = (delay: number, error?: ErrorRecord): Retry => ({
  ...retry(delay, error),
  uncharged: true,
});
/** The message becomes a dead letter with this reason. */
export const deadLetter = (reason: DeadLetterReason, error?: ErrorRecord): DeadLetterIt => ({
  kind: 'dead-letter',
  reason,
  error,
});
