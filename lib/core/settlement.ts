import type { ErrorRecord } from './errors/error-record.js';
import type { Completion } from './completion.js';
import type { OutgoingEntry } from './message.js';
import type { LastReply } from './reply.js';
import type { SettledStep } from './workflow.js';

/** Why an entry was dead-lettered. Stable words, stored with each dead letter. */
export type DeadLetterReason =
  /** Every allowed run failed. */
  | 'max-deliveries'
  /** The handler threw `UnrecoverableError`, or `isUnrecoverable(error)` said so. */
  | 'unrecoverable'
  /** A pipe refused the payload, so no later run can succeed. */
  | 'rejected'
  /** The codec could not read the entry. */
  | 'undecodable'
  /** No handler of this stream and group takes this event type. */
  | 'unmatched'
  /** Its process died, or froze, in the last allowed run. */
  | 'crashed'
  /** The last allowed run has taken longer than the handler's `timeout`. */
  | 'timed-out'
  /** The handler asked for it: `context.deadLetter(reason)`. */
  | (string & {});

/** Work is done (or the event is not for us): forget the entry, and publish what follows from it. */
export interface Ack {
  readonly kind: 'ack';
  /**
   * Published, or with `when` stored until then, in the same step as the acknowledgement, where the
   * technology can.
   */
  readonly publish?: readonly OutgoingEntry[];
  /** Acknowledged without a run, because its event type is declared as none of ours. */
  readonly filtered?: boolean;
  /** Of a deduplicated handler: what is completed by it, in the same step where the technology can. */
  readonly completes?: Completion;
  /** Of a request: its last answer, written before the acknowledgement. */
  readonly reply?: LastReply;
  /** It was not run, and why: of a request, because it was handled before, or its workflow was cancelled. */
  readonly unrun?: 'expired' | 'refused' | 'duplicate' | 'cancelled';
  /** Of a workflow: what is recorded of this step. */
  readonly step?: SettledStep;
  /** Of a request: what went wrong. Whoever asked was told, so it is not run again. */
  readonly error?: ErrorRecord;
}
/** The run failed: run it again, `delay` ms from now at the earliest. */
export interface Retry {
  readonly kind: 'retry';
  readonly delay: number;
  readonly error?: ErrorRecord;
  /** It has not run: a run that was counted for it is taken back. */
  readonly uncharged?: boolean;
  /** The handler has asked for another run: this one has not failed. */
  readonly asked?: boolean;
}
/** Store the entry with its raw fields in the dead letter queue, then forget it. */
export interface DeadLetterIt {
  readonly kind: 'dead-letter';
  readonly reason: DeadLetterReason;
  readonly error?: ErrorRecord;
}
/** Give the entry back so that any consumer may take it at once. An unfinished run is not charged. */
export interface Release {
  readonly kind: 'release';
  /**
   * To other consumers only: the source keeps the lease, hands the entry out here again only after
   * another consumer has had it, and lets the lease `begin` where no other has taken it meanwhile.
   */
  readonly elsewhere?: boolean;
}
/** Leave it pending: neither kept fresh from now on nor, where it ran, charged for that run. */
export interface Leave {
  readonly kind: 'leave';
}
/** Ownership is gone: there is nothing left for us to say about this entry. */
export interface Lost {
  readonly kind: 'lost';
  /** `trimmed`: the entry's data vanished before it could run. */
  readonly why: 'taken' | 'trimmed';
}

/** No handler here takes it: the consumer looks for another one that does. Never reaches a source. */
export interface Unhandled {
  readonly kind: 'unhandled';
}
/** It was handed, uncharged, to another consumer of the group. Never reaches a source. */
export interface HandedOver {
  readonly kind: 'handed-over';
  /** Name of that consumer. */
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

/** Whether a value that the application gave is one. */
export const isSettlement = (value: unknown): value is Settlement =>
  typeof value === 'object' &&
  value !== null &&
  Object.hasOwn(KINDS, (value as { kind?: PropertyKey }).kind ?? '');

/** What the source answers: done, somebody else owns the entry, or nobody has it pending any more. */
export type SettleOutcome = 'settled' | 'lost' | 'gone';

export const ack: Ack = { kind: 'ack' };
export const filtered: Ack = { kind: 'ack', filtered: true };
export const duplicate: Ack = { kind: 'ack', unrun: 'duplicate' };
export const release: Release = { kind: 'release' };
export const releaseElsewhere: Release = { kind: 'release', elsewhere: true };
export const leave: Leave = { kind: 'leave' };
export const taken: Lost = { kind: 'lost', why: 'taken' };
export const trimmed: Lost = { kind: 'lost', why: 'trimmed' };
export const unhandled: Unhandled = { kind: 'unhandled' };
export const retry = (delay: number, error?: ErrorRecord): Retry => ({
  kind: 'retry',
  delay: delay > 0 ? delay : 0,
  error,
});
/** It could not begin yet: looked at again `delay` ms from now, and not counted as a run. */
export const postpone = (delay: number, error?: ErrorRecord): Retry => ({
  ...retry(delay, error),
  uncharged: true,
});
export const deadLetter = (reason: DeadLetterReason, error?: ErrorRecord): DeadLetterIt => ({
  kind: 'dead-letter',
  reason,
  error,
});
